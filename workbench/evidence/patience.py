"""How long the end of a connection goes on retransmitting before it gives up.

Model: net/ipv4/tcp_timer.c ``retransmits_timed_out``: the connection ends at the first expiry of its
retransmission timer at which TCP_USER_TIMEOUT, or the time that tcp_retries2 stands for, has passed since
its first retransmission. Timers of the kernel fire up to some percent late, hence a range.
"""

from dataclasses import dataclass

from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Socket, SocketTimer

RTO_MIN_MS = 200
DEFAULT_RTO_MAX_MS = 120_000
DEFAULT_RETRIES2 = 15
_SLACK = 1.03
"""Timers of some seconds were seen to fire up to 3 % late."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When the next retransmission is due and when the last one fails; milliseconds from now."""

    next_ms: int
    least_ms: float
    most_ms: float
    assumed: bool
    """tcp_retries2 could not be read; its default was taken."""


def patience(
    socket: Socket, sequences: Sequences | None, retries2: int | None, rto_max_ms: int | None
) -> Patience | None:
    """How long ``socket`` will go on; None if nothing that it sent is unanswered: then it waits for ever."""
    if socket.timer is not SocketTimer.RTO or socket.info is None:
        return None
    rto_max = rto_max_ms or DEFAULT_RTO_MAX_MS
    user_timeout = sequences.user_timeout_ms if sequences else None
    limit = user_timeout or timeout_of(DEFAULT_RETRIES2 if retries2 is None else retries2, rto_max)
    rto = max(socket.info.rto_us / 1000, 1.0)
    passed = _since_first(rto, socket.retransmits, rto_max)
    least = _end(socket.timer_ms, passed * _SLACK, rto, limit / _SLACK, rto_max)
    most = _end(socket.timer_ms, passed, rto, limit, rto_max) * _SLACK
    return Patience(socket.timer_ms, least, most, retries2 is None and not user_timeout)


def if_it_sends(
    socket: Socket, sequences: Sequences | None, retries2: int | None, rto_max_ms: int | None
) -> Patience:
    """How long ``socket`` would go on if it sent something now and were never answered.

    A tail loss probe may come first, after as long as the timer: only then that is armed (tcp_schedule_loss_probe).
    """
    rto_max = rto_max_ms or DEFAULT_RTO_MAX_MS
    rto = max(socket.info.rto_us / 1000 if socket.info else RTO_MIN_MS, 1.0)
    user_timeout = sequences.user_timeout_ms if sequences else None
    if user_timeout:  # the timer is cut short to end with it (tcp_clamp_rto_to_user_timeout)
        least, most = rto + user_timeout, 2 * rto + user_timeout
    else:
        limit = timeout_of(DEFAULT_RETRIES2 if retries2 is None else retries2, rto_max)
        least, most = _end(rto, 0.0, rto, limit / _SLACK, rto_max), _end(2 * rto, 0.0, rto, limit, rto_max)
    return Patience(round(rto), least, most * _SLACK, retries2 is None and not user_timeout)


def timeout_of(retries2: int, rto_max_ms: int) -> float:
    """Milliseconds that ``tcp_retries2`` stands for."""
    doublings = (rto_max_ms // RTO_MIN_MS).bit_length() - 1
    if retries2 <= doublings:
        return float(((2 << retries2) - 1) * RTO_MIN_MS)
    return float(((2 << doublings) - 1) * RTO_MIN_MS + (retries2 - doublings) * rto_max_ms)


def _since_first(rto: float, retransmits: int, rto_max: float) -> float:
    """From the first retransmission to the next expiry of the timer: all intervals since, each twice the one before."""
    total, interval = 0.0, rto
    for _ in range(retransmits):
        total += interval
        interval /= 2
    return min(total, retransmits * rto_max)


def _end(next_ms: float, passed: float, rto: float, limit: float, rto_max: float) -> float:
    end = next_ms
    while passed < limit:
        rto = min(rto * 2, rto_max)
        passed += rto
        end += rto
    return end
