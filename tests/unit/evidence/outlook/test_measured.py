"""Without clockwork: against what was measured on Linux 6.18, see the times in each case."""

import pytest

from tests.sample import CLIENT_END, SERVER_END, socket, tcp_info
from workbench.evidence import Sequences, Socket, SocketTimer, TcpState
from workbench.evidence.outlook import Outlook, TcpLimits, if_it_sends, outlook


def _waiting(timer_ms: int, rto_ms: int, retransmits: int) -> Socket:
    info = tcp_info(rto_us=rto_ms * 1000, backoff=retransmits)
    timer = {"timer": SocketTimer.RTO, "timer_ms": timer_ms, "retransmits": retransmits}
    return socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, info=info, **timer)


def _sequences(user_timeout_ms: int) -> Sequences:
    return Sequences(0, 0, 0, 0, 0, user_timeout_ms=user_timeout_ms)


def _lies_in(measured_s: float, found: Outlook) -> bool:
    assert found.ends
    return found.ends.least / 1000 - 0.1 <= measured_s <= found.ends.most / 1000 + 0.1


@pytest.mark.parametrize(("retries2", "seconds"), [(2, 1.4), (3, 3.0), (4, 6.2), (5, 12.6), (6, 25.4), (15, 924.6)])
def test_what_tcp_retries2_stands_for(retries2: int, seconds: float) -> None:
    assert TcpLimits().timeout_ms(retries2, 120_000) == pytest.approx(seconds * 1000)


@pytest.mark.parametrize(
    ("retries2", "measured_s"), [(3, 6.74 - 0.42), (4, 6.83 - 0.42), (5, 13.48 - 0.42), (6, 26.8 - 0.42)]
)
def test_the_measured_end_lies_in_the_range(retries2: int, measured_s: float) -> None:
    # At the first retransmission, 0.42 s after the segment was lost; the next one follows after twice the first RTO.
    waiting = _waiting(timer_ms=408, rto_ms=408, retransmits=1)
    assert _lies_in(measured_s, outlook(waiting, None, TcpLimits(retries2=retries2)))


@pytest.mark.parametrize(
    ("retries2", "user_timeout_ms", "measured_s"),
    [(3, 0, 6.74), (5, 0, 13.48), (6, 0, 26.8), (15, 1000, 1.44), (15, 3000, 3.42), (15, 8000, 8.43)],
)
def test_who_sends_into_a_silence(retries2: int, user_timeout_ms: int, measured_s: float) -> None:
    idle = socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, info=tcp_info(rto_us=204_000))
    found = if_it_sends(idle, _sequences(user_timeout_ms), TcpLimits(retries2=retries2))
    assert _lies_in(measured_s, found)
    assert found.ends
    # Where it may be one time-out more or less, that is as long as all before it.
    assert found.ends.most <= 2.4 * found.ends.least
