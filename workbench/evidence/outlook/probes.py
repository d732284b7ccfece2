"""Ends that have nothing in flight: zero windows, keepalive, FIN_WAIT2 without an owner, TIME_WAIT."""

from workbench.evidence.outlook.end import Outlook, WaitingEnd
from workbench.evidence.outlook.limits import RTO_MIN_MS, TIMEWAIT_MS
from workbench.evidence.outlook.retransmission import ORPHAN_RETRIES, SILENT_END
from workbench.evidence.outlook.series import Series
from workbench.evidence.outlook.timer_wheel import Span
from workbench.evidence.socket import TcpState


def probing(end: WaitingEnd) -> Outlook:
    """The peer's window is closed, and something waits to be sent (tcp_probe_timer(), tcp_send_probe0())."""
    info = end.socket.info
    backoff = end.clockwork.backoff if end.clockwork else info.backoff if info else end.unanswered
    probes = end.limits.retries2
    if end.orphan:
        probes = end.limits.orphan_retries or ORPHAN_RETRIES
    base = max(end.rto_ms, RTO_MIN_MS)
    doublings = (end.rto_max_ms // RTO_MIN_MS).bit_length()

    def interval(number: int, since_ms: float) -> float:
        steps = min(backoff + number, max(end.limits.retries2, backoff), doublings)
        pause = min(base * 2.0**steps, end.rto_max_ms)
        if end.user_timeout_ms:  # tcp_clamp_probe0_to_user_timeout()
            pause = min(pause, max(end.user_timeout_ms - since_ms, 2 * end.wheel.tick_ms))
        return pause

    since = end.clockwork.probing_ms if end.clockwork else None
    armed = interval(0, since or 0)
    due = end.due(armed)
    begun = None if since is None else Span(since + due.least, since + due.most)
    name = "tcp_orphan_retries" if end.orphan else "tcp_retries2"
    silence = f"{name} {probes} probes without an answer"
    if end.user_timeout_ms:
        # The clock begins with the first probe, and an answer does not stop it: only an open window does.
        count = max(end.unanswered, 1) if begun else 0
        ends = Series(end.wheel, interval, probes, end.user_timeout_ms).end(due, count, begun)
        timeout = f"TCP_USER_TIMEOUT {end.user_timeout_ms / 1000:g} s"
        formula = f"{timeout} after the first probe, even if the peer answers, or {silence}"
    else:
        ends = Series(end.wheel, interval, probes).end(due, end.unanswered)
        formula = f"{silence}; as long as the peer answers them it waits for ever"
    return Outlook(
        "zero-window probe", due, "asks the peer for its window", ends, SILENT_END, formula,
        end.assumed("orphan_retries" if end.orphan else "retries2", "rto_max_ms"),
    )  # fmt: skip


def kept_alive(end: WaitingEnd) -> Outlook:
    """Nothing is in flight and SO_KEEPALIVE is on (tcp_keepalive_timer())."""
    works, limits = end.clockwork, end.limits
    idle = (works.keepalive_idle_ms if works else 0) or limits.keepalive_time * 1000
    pause = (works.keepalive_interval_ms if works else 0) or limits.keepalive_intvl * 1000
    probes = (works.keepalive_probes if works else 0) or limits.keepalive_probes
    count = end.unanswered
    due = end.due(pause if count else idle)
    info = end.socket.info
    heard = min(info.last_data_recv_ms, info.last_ack_recv_ms) if info else 0
    silent = works.silent_ms if works else heard
    first = due
    if not count and silent + due.most < idle:  # something arrived since it was armed: it is armed for the rest
        rest = Span(idle - silent - due.least, idle - silent - due.most)
        first = end.wheel.fires(due, rest.most, rest.least)
    since = Span(silent + first.least, silent + first.most)
    if timeout := end.user_timeout_ms:
        ends = Series(end.wheel, lambda *_: pause, limit_ms=timeout).end(first, count, since)
        formula = (
            f"TCP_USER_TIMEOUT {timeout / 1000:g} s after the last segment of the peer, asked from {idle / 1000:g} s on"
        )
    else:
        ends = Series(end.wheel, lambda *_: pause, probes).end(first, count)
        counted = f"{probes} probes every {pause / 1000:g} s (TCP_KEEPCNT, TCP_KEEPINTVL)"
        formula = f"{idle / 1000:g} s of silence (TCP_KEEPIDLE), then {counted}"
    then = "asks the peer whether it is there" if first is due else "runs on for what is left of its time"
    return Outlook(
        "keepalive", due, then, ends, "its program gets ETIMEDOUT, and the peer a reset", formula,
        end.assumed("keepalive_time", "keepalive_intvl", "keepalive_probes"),
    )  # fmt: skip


def forgotten(end: WaitingEnd) -> Outlook:
    """FIN_WAIT2 and closed by its program, for longer than TIME_WAIT lasts (tcp_close(), tcp_keepalive_timer())."""
    due = end.due(max(end.limits.fin_timeout * 1000 - TIMEWAIT_MS, end.socket.timer_ms))
    formula = f"tcp_fin_timeout {end.limits.fin_timeout} s, or TCP_LINGER2, from close(2) on"
    return Outlook(
        "FIN_WAIT2", due, f"keeps no more than the addresses, for {TIMEWAIT_MS // 1000} s",
        end.wheel.fires(due, TIMEWAIT_MS), _FORGOTTEN, formula, end.assumed("fin_timeout"),
    )  # fmt: skip


_FORGOTTEN = "the kernel forgets it; what the peer sends after that is answered with a reset"


def time_wait(end: WaitingEnd) -> Outlook:
    """No more than addresses and numbers are kept (tcp_time_wait() of net/ipv4/tcp_minisocks.c)."""
    if end.socket.state is TcpState.FIN_WAIT2:
        due = end.due(max(end.limits.fin_timeout * 1000, end.socket.timer_ms))
        formula = f"tcp_fin_timeout {end.limits.fin_timeout} s, or TCP_LINGER2, from close(2) on"
        return Outlook("FIN_WAIT2", due, "forgets the connection", due, _FORGOTTEN, formula, end.assumed("fin_timeout"))
    due = end.due(TIMEWAIT_MS)
    ending = "the same addresses and ports are free again"
    formula = "60 s after the last FIN, or since the peer last repeated it, fixed in the kernel (TCP_TIMEWAIT_LEN)"
    return Outlook("TIME_WAIT", due, "forgets the connection", due, ending, formula)
