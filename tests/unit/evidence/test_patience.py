"""Against what was measured on Linux 6.18: see the times in each case."""

import pytest

from tests.sample import CLIENT_END, SERVER_END, socket, tcp_info
from workbench.evidence import Sequences, Socket, SocketTimer, TcpState
from workbench.evidence.patience import if_it_sends, patience, timeout_of


def _waiting(timer_ms: int, rto_ms: int, retransmits: int) -> Socket:
    info = tcp_info(rto_us=rto_ms * 1000, backoff=retransmits)
    timer = {"timer": SocketTimer.RTO, "timer_ms": timer_ms, "retransmits": retransmits}
    return socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, info=info, **timer)


def _sequences(user_timeout_ms: int) -> Sequences:
    return Sequences(0, 0, 0, 0, 0, user_timeout_ms=user_timeout_ms)


@pytest.mark.parametrize(("retries2", "seconds"), [(2, 1.4), (3, 3.0), (4, 6.2), (5, 12.6), (6, 25.4), (15, 924.6)])
def test_what_tcp_retries2_stands_for(retries2: int, seconds: float) -> None:
    assert timeout_of(retries2, 120_000) == pytest.approx(seconds * 1000)


@pytest.mark.parametrize(
    ("retries2", "measured_s"), [(3, 6.74 - 0.42), (4, 6.83 - 0.42), (5, 13.48 - 0.42), (6, 26.8 - 0.42)]
)
def test_the_measured_end_lies_in_the_range(retries2: int, measured_s: float) -> None:
    # At the first retransmission, 0.42 s after the segment was lost; the next one follows after twice the first RTO.
    waits = patience(_waiting(timer_ms=408, rto_ms=408, retransmits=1), None, retries2, 120_000)
    assert waits is not None
    assert waits.least_ms / 1000 <= measured_s + 0.1
    assert measured_s <= waits.most_ms / 1000 + 0.1


def test_a_user_timeout_comes_before_tcp_retries2() -> None:
    waits = patience(_waiting(408, 408, 1), _sequences(3000), 15, None)
    assert waits is not None
    assert 2_500 <= waits.least_ms <= waits.most_ms <= 7_000
    assert not waits.assumed


def test_who_waits_for_nothing_waits_for_ever() -> None:
    quiet = socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, info=tcp_info())
    assert patience(quiet, None, 15, None) is None


@pytest.mark.parametrize(
    ("retries2", "user_timeout_ms", "measured_s"),
    [(3, 0, 6.74), (5, 0, 13.48), (6, 0, 26.8), (15, 1000, 1.44), (15, 3000, 3.42), (15, 8000, 8.43)],
)
def test_who_sends_into_a_silence(retries2: int, user_timeout_ms: int, measured_s: float) -> None:
    idle = socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, info=tcp_info(rto_us=204_000))
    waits = if_it_sends(idle, _sequences(user_timeout_ms), retries2, 120_000)
    assert waits.least_ms / 1000 <= measured_s + 0.1
    assert measured_s <= waits.most_ms / 1000 + 0.1
    # Where it may be one time-out more or less, that is as long as all before it.
    assert waits.most_ms <= 2.4 * waits.least_ms
