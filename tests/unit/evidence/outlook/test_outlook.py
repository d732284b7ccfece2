"""Each state by the kernel's rules; that they are the kernel's is for tests/e2e/patience to show."""

import pytest

from tests.sample import CLIENT_END, SERVER_END, socket, tcp_info
from workbench.evidence import Sequences, Socket, SocketTimer, Sysctl, TcpState
from workbench.evidence.clockwork import Clockwork, Pending
from workbench.evidence.outlook import Outlook, Span, TcpLimits, if_it_sends, limits_of, outlook, remote_outlook

LIMITS = TcpLimits()


def end(state: TcpState, timer: SocketTimer = SocketTimer.NONE, timer_ms: int = 0, **more: object) -> Socket:
    return socket(1, SERVER_END, CLIENT_END, state, timer=timer, timer_ms=timer_ms, **({"info": tcp_info()} | more))


def clockwork(pending: Pending, **more: object) -> Clockwork:
    usual = {
        "pending": pending, "unanswered": 0, "backoff": 0, "hz": 250, "jiffies": 100_000, "expires": 100_050,
        "keepalive_expires": 100_250, "retransmitting_ms": None, "probing_ms": None, "silent_ms": 0.0,
        "rto_max_ms": 120_000, "keepalive": False, "keepalive_idle_ms": 0, "keepalive_interval_ms": 0,
        "keepalive_probes": 0, "linger2_ms": 0, "syn_retries": 0, "thin": False,
    }  # fmt: skip
    return Clockwork(**(usual | more))  # type: ignore[arg-type]


def numbers(works: Clockwork | None, user_timeout_ms: int = 0, rto_ms: int = 200) -> Sequences:
    return Sequences(0, 0, 0, 0, 0, user_timeout_ms=user_timeout_ms, rto_ms=rto_ms, clockwork=works)


def seconds(found: Outlook) -> tuple[float, float]:
    assert found.ends
    return found.ends.least / 1000, found.ends.most / 1000


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TcpState.ESTABLISHED, "nothing is unanswered"),
        (TcpState.CLOSE_WAIT, "its own program"),
        (TcpState.FIN_WAIT2, "the peer's FIN"),
        (TcpState.LISTEN, "listens"),
        (TcpState.CLOSE, "not connected"),
    ],
)
def test_without_a_timer_it_waits_for_ever(state: TcpState, words: str) -> None:
    found = outlook(end(state), numbers(clockwork(Pending.NOTHING)), LIMITS)
    assert (found.due, found.ends) == (None, None)
    assert words in found.ending


@pytest.mark.parametrize(("retries2", "least", "most"), [(3, 3.2, 6.8), (5, 12.8, 13.4), (15, 924.8, 1050)])
def test_retransmissions_end_with_the_first_time_out_beyond_tcp_retries2(
    retries2: int, least: float, most: float
) -> None:
    found = outlook(
        end(TcpState.ESTABLISHED, SocketTimer.RTO, 200), numbers(clockwork(Pending.RTO)), TcpLimits(retries2)
    )
    low, high = seconds(found)
    assert least <= low <= high <= most
    assert f"tcp_retries2 {retries2}" in found.formula
    assert found.assumed == ()


def test_a_tail_loss_probe_comes_before_the_first_time_out() -> None:
    probe, none = (
        seconds(outlook(end(TcpState.ESTABLISHED, SocketTimer.RTO, 200), numbers(clockwork(each), 3000), LIMITS))
        for each in (Pending.LOSS_PROBE, Pending.RTO)
    )
    assert probe[0] - none[0] == pytest.approx(0.2, abs=0.05)


def test_a_user_timeout_ends_it_exactly() -> None:
    running = clockwork(Pending.RTO, unanswered=2, expires=100_100, retransmitting_ms=800.0)
    found = outlook(end(TcpState.ESTABLISHED, SocketTimer.RTO), numbers(running, 3000, 800), LIMITS)
    low, high = seconds(found)
    assert 2.19 < low <= high < 2.4
    assert "TCP_USER_TIMEOUT 3 s" in found.formula


def test_who_has_no_clockwork_says_less_and_what_it_assumed() -> None:
    found = outlook(end(TcpState.ESTABLISHED, SocketTimer.RTO, 200, retransmits=1), None, limits_of((), 7))
    low, high = seconds(found)
    assert 900 < low < high < 1200
    assert found.assumed == ("tcp_retries2 15", "tcp_rto_max_ms 120000", "no TCP_USER_TIMEOUT")


def test_an_orphan_counts_tcp_orphan_retries() -> None:
    orphan = end(TcpState.FIN_WAIT1, SocketTimer.RTO, 200, inode=0)
    assert 102 < seconds(outlook(orphan, None, LIMITS, 250))[0] < 110
    assert seconds(outlook(orphan, None, TcpLimits(orphan_retries=2), 250))[1] < 4
    assert "0, which means 8, stands for" in outlook(orphan, None, LIMITS).formula


def test_a_closed_window_is_probed_until_the_user_timeout_even_if_the_peer_answers() -> None:
    waiting = end(TcpState.ESTABLISHED, SocketTimer.PROBE, 200)
    for_ever = outlook(waiting, numbers(clockwork(Pending.PROBE)), LIMITS)
    assert "waits for ever" in for_ever.formula
    assert seconds(for_ever)[0] > 600
    bounded = outlook(waiting, numbers(clockwork(Pending.PROBE, probing_ms=1000.0, backoff=2), 3000), LIMITS)
    assert 1.9 < seconds(bounded)[0] <= seconds(bounded)[1] < 2.4


def test_keepalive_asks_after_silence_and_gives_up_after_its_probes() -> None:
    works = clockwork(
        Pending.NOTHING, keepalive=True, keepalive_idle_ms=1000, keepalive_interval_ms=2000, keepalive_probes=3
    )
    waiting = end(TcpState.ESTABLISHED, SocketTimer.KEEPALIVE, 1000)
    low, high = seconds(outlook(waiting, numbers(works), LIMITS))
    assert 7 <= low <= high < 7.8
    low, high = seconds(outlook(waiting, numbers(works, 2500), LIMITS))
    assert 3 <= low <= high < 3.4
    assert (
        seconds(outlook(end(TcpState.ESTABLISHED, SocketTimer.KEEPALIVE, 7_200_000), None, LIMITS))[0] >= 7200 + 9 * 75
    )


def test_a_syn_is_repeated_some_times_without_a_longer_pause() -> None:
    works = clockwork(Pending.RTO, expires=100_250, retransmitting_ms=0.0, syn_retries=2)
    found = outlook(end(TcpState.SYN_SENT, SocketTimer.RTO, 1000), numbers(works, rto_ms=1000), LIMITS)
    # time-outs after 1, 2, 3, 4, 5 (four are not backed off) and 7 s, for which two retries stand
    assert 7 <= seconds(found)[0] <= seconds(found)[1] < 7.5
    answered = end(TcpState.SYN_RECV, SocketTimer.RTO, 1000, info=None, inode=0)
    assert (
        63 <= seconds(outlook(answered, None, LIMITS, 250))[0] <= seconds(outlook(answered, None, LIMITS, 250))[1] < 70
    )


def test_a_request_that_is_asked_for_again_and_again_is_not_taken_for_old() -> None:
    asked = end(TcpState.SYN_RECV, SocketTimer.RTO, 3900, info=None, inode=0, retransmits=10)
    low, high = seconds(outlook(asked, None, LIMITS, 250))  # two time-outs, as 3.9 s are left, or up to five
    assert 3.8 <= low < 4.5
    assert 59 <= high < 65


def test_time_wait_and_its_likes_end_by_themselves() -> None:
    fading = end(TcpState.TIME_WAIT, SocketTimer.TIMEWAIT, 30_000, info=None, inode=0)
    assert outlook(fading, None, LIMITS, 250).ends == outlook(fading, None, LIMITS, 250).due
    assert 30 <= seconds(outlook(fading, None, LIMITS, 250))[0] <= seconds(outlook(fading, None, LIMITS, 250))[1] < 33
    orphan = end(TcpState.FIN_WAIT2, SocketTimer.KEEPALIVE, 5000, info=None, inode=0)
    assert 65 <= seconds(outlook(orphan, None, TcpLimits(fin_timeout=65), 250))[0] < 66


def test_an_idle_end_that_sends_and_a_peer_elsewhere() -> None:
    idle = end(TcpState.ESTABLISHED)
    low, high = seconds(if_it_sends(idle, numbers(clockwork(Pending.NOTHING), 1000), LIMITS))
    assert 1.2 < low <= high < 1.6
    elsewhere = remote_outlook()
    assert seconds(elsewhere)[0] == pytest.approx(924.6)
    assert "no TCP_USER_TIMEOUT" in elsewhere.assumed


def test_settings_that_were_not_read_are_said_to_be_assumed() -> None:
    read = [Sysctl(7, "net.ipv4.tcp_retries2", "5"), Sysctl(8, "net.ipv4.tcp_retries2", "9")]
    limits = limits_of(read, 7)
    assert (limits.retries2, limits.syn_linear_timeouts, limits.rto_max_ms) == (5, 0, 120_000)
    assert {"fin_timeout", "keepalive_time"} <= limits.assumed
    assert not {"retries2", "rto_max_ms", "syn_linear_timeouts"} & limits.assumed


def test_spans_are_ordered() -> None:
    for timer in (SocketTimer.RTO, SocketTimer.PROBE, SocketTimer.KEEPALIVE):
        found = outlook(end(TcpState.ESTABLISHED, timer, 400, retransmits=2), None, LIMITS)
        assert isinstance(found.due, Span)
        assert found.ends
        assert 0 <= found.due.least <= found.due.most
        assert found.due.least <= found.ends.least <= found.ends.most
