"""How long the end of a connection goes on retransmitting before it gives up, by the rules of ``evidence.outlook``."""

from dataclasses import dataclass

from workbench.evidence.outlook import Outlook, TcpLimits, outlook
from workbench.evidence.outlook import if_it_sends as outlook_if_it_sends
from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Socket, SocketTimer


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
    return _patience(outlook(socket, sequences, _limits(retries2, rto_max_ms)), socket.timer_ms)


def if_it_sends(socket: Socket, sequences: Sequences | None, retries2: int | None, rto_max_ms: int | None) -> Patience:
    """How long ``socket`` would go on if it sent something now and were never answered."""
    ahead = outlook_if_it_sends(socket, sequences, _limits(retries2, rto_max_ms))
    found = _patience(ahead, round(socket.info.rto_us / 1000) if socket.info else 0)
    assert found is not None, "who sends without an answer gives up"
    return found


def timeout_of(retries2: int, rto_max_ms: int) -> float:
    """Milliseconds that ``tcp_retries2`` stands for."""
    return TcpLimits().timeout_ms(retries2, rto_max_ms)


def _limits(retries2: int | None, rto_max_ms: int | None) -> TcpLimits:
    defaults = TcpLimits()
    return TcpLimits(
        retries2=defaults.retries2 if retries2 is None else retries2,
        rto_max_ms=rto_max_ms or defaults.rto_max_ms,
        assumed=frozenset({"retries2"} if retries2 is None else ()),
    )


def _patience(ahead: Outlook, next_ms: int) -> Patience | None:
    if ahead.ends is None:
        return None
    return Patience(next_ms, ahead.ends.least, ahead.ends.most, any("retries2" in each for each in ahead.assumed))
