"""The outlook of one socket, by its state and the timer that runs."""

from workbench.evidence.outlook.end import Outlook, WaitingEnd
from workbench.evidence.outlook.limits import TcpLimits
from workbench.evidence.outlook.probes import forgotten, kept_alive, probing, time_wait
from workbench.evidence.outlook.retransmission import (
    SILENT_END,
    greeting,
    greeting_answered,
    retransmitting,
    sends_now,
)
from workbench.evidence.outlook.timer_wheel import LATE, Span
from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Socket, SocketTimer, TcpState

_PATIENT = {
    TcpState.ESTABLISHED: "nothing is unanswered: it waits for ever",
    TcpState.SYN_RECV: "it waits for the end of the handshake",
    TcpState.CLOSE_WAIT: "the peer has finished; it waits for its own program to close it, for ever",
    TcpState.FIN_WAIT2: "a program has it open still: it waits for the peer's FIN for ever",
    TcpState.LISTEN: "it listens until its program closes it",
    TcpState.CLOSE: "it is not connected",
    TcpState.BOUND_INACTIVE: "it is not connected",
}
_GREETING = frozenset({TcpState.SYN_SENT, TcpState.SYN_RECV})
_REQUESTS = frozenset({TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})


def outlook(socket: Socket, sequences: Sequences | None, limits: TcpLimits, hz: int | None = None) -> Outlook:
    """What becomes of this socket from now on if nothing more arrives for it.

    ``hz``: ticks a second of its machine, for a socket that no process has open and whose sequences are not known.
    """
    end = WaitingEnd(socket, sequences, limits, hz)
    if socket.state in _REQUESTS and socket.info is None:
        return greeting_answered(end)
    match end.timer:
        case SocketTimer.TIMEWAIT:
            return time_wait(end)
        case SocketTimer.RTO:
            return greeting(end) if socket.state in _GREETING else retransmitting(end)
        case SocketTimer.PROBE:
            return probing(end)
        case SocketTimer.KEEPALIVE:
            return forgotten(end) if end.orphan else kept_alive(end)
    return Outlook(ending=_PATIENT.get(socket.state, "no timer runs: it waits for ever"))


def if_it_sends(socket: Socket, sequences: Sequences | None, limits: TcpLimits) -> Outlook:
    """What becomes of a socket that waits for nothing, if it sends something now and is never answered."""
    return sends_now(WaitingEnd(socket, sequences, limits))


def remote_outlook() -> Outlook:
    """A peer on another machine: nothing is known of it, and what Linux's defaults stand for is assumed."""
    limits = TcpLimits()
    limit = limits.timeout_ms(limits.retries2, limits.rto_max_ms)
    last = limits.rto_max_ms * (1 + LATE)
    return Outlook(
        ends=Span(limit, limit + last),
        ending=SILENT_END,
        formula=f"tcp_retries2 15 stands for {limit / 1000:g} s from its first retransmission on",
        assumed=("a Linux machine with its defaults", "no TCP_USER_TIMEOUT", "it sends something"),
    )
