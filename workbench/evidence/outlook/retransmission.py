"""Segments that nobody acknowledges: data and FIN, SYN, SYN and ACK."""

from collections.abc import Callable
from math import ceil, inf, log2

from workbench.evidence.clockwork import Pending
from workbench.evidence.outlook.end import Outlook, WaitingEnd
from workbench.evidence.outlook.limits import SYN_RTO_MS, THIN_LINEAR_RETRIES
from workbench.evidence.outlook.series import Series
from workbench.evidence.outlook.timer_wheel import DELAY_MS, LATE, Span
from workbench.evidence.socket import TcpState

ORPHAN_RETRIES = 8
"""What tcp_orphan_retries 0 means while the time-out is below its maximum (tcp_orphan_retries())."""
_THIN_SEGMENTS = 4
"""A stream is thin with fewer segments in flight (tcp_stream_is_thin())."""
_NO_THRESHOLD = 0x7FFFFFFF
"""TCP_INFINITE_SSTHRESH."""
SILENT_END = "its program gets ETIMEDOUT, and nothing is sent: the peer does not learn of it"
_WHAT = {
    Pending.LOSS_PROBE: ("tail loss probe", "sends the last segment once more, then waits for a whole time-out"),
    Pending.REORDERING: ("reordering timer", "takes segments that others overtook for lost and sends them again"),
}
_RTO = ("retransmission", "sends the first unacknowledged segment again and doubles the time-out")


def retransmitting(end: WaitingEnd) -> Outlook:
    """Data or a FIN is not acknowledged (tcp_retransmit_timer(), tcp_write_timeout(), retransmits_timed_out())."""
    socket = end.socket
    runs, then = _WHAT.get(end.pending, _RTO)
    if socket.info and socket.info.snd_wnd == 0 and not end.orphan:
        return _into_a_closed_window(end)
    limit, formula, names = _limit(end)
    series = Series(end.wheel, _backed_off(end), limit_ms=limit)
    armed = end.rto_ms
    if end.pending in _WHAT:
        armed = min(armed, max(float(socket.timer_ms), 1.0))
    due = end.due(min(armed, end.user_timeout_ms or inf) if end.unanswered else armed)
    first = due
    if end.pending in _WHAT:  # the time-out is armed when the probe was sent
        first = end.wheel.fires(due, end.rto_ms)
    elif end.clockwork is None and not end.unanswered:  # it may be a probe: sock_diag shows both alike
        first = Span(due.least, end.wheel.fires(due, end.rto_ms).most)
    return Outlook(
        runs, due, then, series.end(first, end.unanswered, passed(end, first)), SILENT_END, formula,
        end.assumed(*names),
    )  # fmt: skip


def sends_now(end: WaitingEnd) -> Outlook:
    """An idle socket that sends at this moment: a tail loss probe comes first or not, then the time-outs."""
    limit, formula, names = _limit(end)
    now = Span(0, 0)
    once = end.wheel.fires(now, end.rto_ms)
    first = Span(once.least, end.wheel.fires(once, end.rto_ms).most)
    ends = Series(end.wheel, _backed_off(end), limit_ms=limit).end(first)
    return Outlook("", None, "", ends, SILENT_END, formula, end.assumed(*names))


def passed(end: WaitingEnd, due: Span) -> Span | None:
    """How long the series goes on at the next firing; None if it begins with it."""
    if not end.unanswered:
        return None
    since = end.clockwork.retransmitting_ms if end.clockwork else None
    if since is not None:
        return Span(since + due.least, since + due.most)
    total, interval = 0.0, end.rto_ms
    for _ in range(end.unanswered):
        total += interval
        interval = max(interval / 2, 1.0)
    return Span(total, total * (1 + LATE) + end.unanswered * DELAY_MS)


def greeting(end: WaitingEnd) -> Outlook:
    """A SYN without an answer (tcp_write_timeout() in SYN_SENT); its series began with connect(2).

    A socket in SYN_RECV, whose peer called connect(2) too, repeats SYN and ACK by the same rules.
    """
    limits, count = end.limits, end.unanswered
    own = end.clockwork.syn_retries if end.clockwork else 0
    retries = own or limits.syn_retries
    answers = end.socket.state is TcpState.SYN_RECV
    linear = 0 if answers else limits.syn_linear_timeouts
    limit = end.user_timeout_ms or limits.timeout_ms(retries, end.rto_max_ms, SYN_RTO_MS)

    def interval(number: int, since_ms: float) -> float:
        doublings = max(count + number - max(linear, count), 0)
        return cut(end, min(end.rto_ms * 2**doublings, end.rto_max_ms), since_ms)

    due = end.due(end.rto_ms)
    since = end.clockwork.retransmitting_ms if end.clockwork else None
    begun = Span(since + due.least, since + due.most) if since is not None else None
    if begun is None:
        sent = [SYN_RTO_MS * 2.0 ** max(each - linear, 0) for each in range(count + 1)]
        begun = Span(sum(sent), sum(sent) * (1 + LATE) + len(sent) * DELAY_MS)
    what = "SYN and ACK" if answers else "SYN"
    name = "TCP_SYNCNT" if own else "tcp_syn_retries"
    stands_for = f"{_model(retries, end.rto_max_ms, SYN_RTO_MS)} = {limit / 1000:g} s"
    if end.user_timeout_ms:
        stands_for = f"TCP_USER_TIMEOUT {limit / 1000:g} s"
    formula = f"{name} {retries}: {stands_for} from connect(2) on, or {retries + linear} repetitions"
    return Outlook(
        f"{what} retransmission", due, "sends SYN and ACK again" if answers else "sends the SYN again",
        Series(end.wheel, interval, retries + linear, limit).end(due, count, begun),
        "connect(2) fails with ETIMEDOUT", formula,
        end.assumed("syn_retries", "syn_linear_timeouts"),
    )  # fmt: skip


def greeting_answered(end: WaitingEnd) -> Outlook:
    """A SYN and ACK without an answer (reqsk_timer_handler() of net/ipv4/inet_connection_sock.c).

    sock_diag tells how often they were repeated, which they are for each SYN that comes again, too: how many time-outs
    there were is known by what is left of the running one, at least.
    """
    retries, left_ms = end.limits.synack_retries, end.socket.timer_ms
    at_most = min(end.unanswered, retries)
    at_least = min(max(ceil(log2(max(left_ms, 1) / SYN_RTO_MS)), 0), at_most)

    def ends(timeouts: int) -> Span:
        def interval(number: int, _: float) -> float:
            return min(SYN_RTO_MS * 2.0 ** (timeouts + number), end.rto_max_ms)

        return Series(end.wheel, interval, retries).end(end.due(interval(0, 0)), timeouts)

    formula = f"tcp_synack_retries {retries} time-outs, the first after 1 s, each twice as long as the one before"
    return Outlook(
        "SYN and ACK retransmission", end.due(SYN_RTO_MS * 2.0**at_most), "sends SYN and ACK again",
        Span(ends(at_most).least, ends(at_least).most),
        "the request is forgotten, and no program learns of it", formula,
        (*end.assumed("synack_retries"), "the listener has no TCP_SYNCNT and a short queue"),
    )  # fmt: skip


def cut(end: WaitingEnd, interval_ms: float, since_ms: float) -> float:
    """A time-out that would pass TCP_USER_TIMEOUT ends with it (tcp_clamp_rto_to_user_timeout())."""
    if not end.user_timeout_ms:
        return interval_ms
    return min(interval_ms, max(end.user_timeout_ms - since_ms, end.wheel.tick_ms))


def _into_a_closed_window(end: WaitingEnd) -> Outlook:
    """The peer took its window back after we had sent (tcp_rtx_probe0_timed_out())."""
    due = end.due(end.rto_ms)
    timeout = min(end.user_timeout_ms or inf, 2.0 * end.rto_max_ms)

    def interval(number: int, since_ms: float) -> float:
        return cut(end, min(end.rto_ms * 2.0**number, end.rto_max_ms), since_ms)

    silent = end.socket.info.last_ack_recv_ms if end.socket.info else 0
    begun = passed(end, due)
    if begun:
        begun = Span(min(begun.least, silent + due.least), min(begun.most, silent + due.most))
    ends = Series(end.wheel, interval, limit_ms=timeout).end(due, end.unanswered, begun)
    name = "TCP_USER_TIMEOUT" if timeout == end.user_timeout_ms else "twice the greatest time-out"
    formula = f"the window closed behind what was sent: only {name}, {timeout / 1000:g} s, without any answer ends it"
    return Outlook(_RTO[0], due, _RTO[1], ends, SILENT_END, formula, end.assumed("rto_max_ms"))


def _backed_off(end: WaitingEnd) -> Callable[[int, float], float]:
    """The time-out after each firing: twice the one before, or the same for a thin stream's first ones."""
    count, info = end.unanswered, end.socket.info
    asked = end.limits.thin_linear_timeouts or (end.clockwork is not None and end.clockwork.thin)
    few = info is not None and info.unacked < _THIN_SEGMENTS
    # Not in initial slow start: a time-out ends that, except that BBR leaves the threshold alone (bbr_ssthresh()).
    started = end.socket.congestion != "bbr" or (info is not None and info.snd_ssthresh < _NO_THRESHOLD)
    is_thin = asked and end.socket.state is TcpState.ESTABLISHED and few and started
    linear = max(THIN_LINEAR_RETRIES, count) if is_thin else count

    def interval(number: int, since_ms: float) -> float:
        doublings = max(count + number - linear, 0)
        return cut(end, min(end.rto_ms * 2.0**doublings, end.rto_max_ms), since_ms)

    return interval


def _limit(end: WaitingEnd) -> tuple[float, str, tuple[str, ...]]:
    """After how many milliseconds the series is over, why, and which settings that depends on."""
    if timeout := end.user_timeout_ms:
        return (
            timeout,
            f"TCP_USER_TIMEOUT {timeout / 1000:g} s after the first retransmission, to which the last is cut",
            (),
        )
    name, retries = f"tcp_retries2 {end.limits.retries2}", end.limits.retries2
    if end.orphan:
        retries = end.limits.orphan_retries or ORPHAN_RETRIES
        name = f"tcp_orphan_retries {end.limits.orphan_retries or f'0, which means {retries},'}"
    limit = end.limits.timeout_ms(retries, end.rto_max_ms)
    stands_for = f"{_model(retries, end.rto_max_ms)} = {limit / 1000:g} s"
    formula = f"{name} stands for {stands_for}: it ends at the first time-out so long after the first retransmission"
    return limit, formula, ("orphan_retries" if end.orphan else "retries2", "rto_max_ms")


def _model(retries: int, rto_max_ms: int, base_ms: int = 200) -> str:
    doublings = max((rto_max_ms // base_ms).bit_length() - 1, 0)
    base = f"{base_ms / 1000:g} s"
    if retries <= doublings:
        return f"(2^{retries + 1} - 1) x {base}"
    return f"(2^{doublings + 1} - 1) x {base} + {retries - doublings} x {rto_max_ms / 1000:g} s"
