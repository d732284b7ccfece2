"""A connection through which nothing flows: what is known of it, and what can be the answer to why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from workbench.evidence.event import Event, EventKind
from workbench.evidence.lock_map import LockUse
from workbench.evidence.netfilter import Rule
from workbench.evidence.network import ConntrackEntry
from workbench.evidence.process import Process
from workbench.evidence.sequences import Sequences, distance
from workbench.evidence.socket import Connection, Socket, SocketTimer, TcpState


class Silent(StrEnum):
    """Why nothing flows."""

    FLOWS = "flows"
    """Something does."""
    LOCKED = "locked"
    """A network lock of CRIU holds it back."""
    IN_REPAIR = "in-repair"
    """A socket is in TCP_REPAIR mode still: it neither sends nor receives."""
    CONNTRACK_INVALID = "conntrack-invalid"
    """Connection tracking calls its segments invalid, and a rule drops them."""
    DROPPED = "dropped"
    """Another rule of netfilter drops its segments."""
    OUT_OF_STEP = "out-of-step"
    """The ends do not agree on sequence numbers: each answers the other with acknowledgements, for ever."""
    PEER_GONE = "peer-gone"
    """Nobody has the other end any more, and nothing answers."""
    TIMER_OFF = "timer-off"
    """Something is due, and no timer runs that would see to it."""
    STOPPED = "stopped"
    """The program is stopped."""
    NOT_READING = "not-reading"
    """The program does not read what has arrived."""
    ZERO_WINDOW = "zero-window"
    """The peer allows no more bytes."""
    UNANSWERED = "unanswered"
    """It retransmits, and nothing answers; why is not to be seen from here."""
    NOTHING_TO_SEND = "nothing-to-send"
    """It is silent rightly: all is acknowledged and read."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Proof:
    """One observation."""

    source: str
    """Section of the evidence: ``sockets``, ``sequences``, ``rules``, ``events``, ..."""
    text: str
    """Hostile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Why it is silent, by what one knows that, and what to do."""

    why: Silent
    connection: Connection
    netns: int
    sentence: str
    proof: tuple[Proof, ...]
    advice: str
    """One sentence; empty if there is nothing to be done."""


@dataclass(frozen=True, slots=True)
class End:
    """One end at two moments."""

    socket: Socket
    """As it was at last. Likewise ``sequences``."""
    sequences: Sequences | None
    first: Socket
    """As it was at first. Likewise the following."""
    first_sequences: Sequences | None = None
    lock: LockUse | None = None
    """What holds it back."""
    owner: Process | None = None

    @property
    def queued(self) -> int:
        """Bytes that were not acknowledged, sent or not."""
        return self.socket.send_q

    @property
    def who(self) -> str:
        """``server 4645``."""
        holder = next(iter(self.socket.holders), None)
        return f"{holder.command} {holder.pid}" if holder else "no process"


@dataclass(frozen=True, slots=True)
class Watch:
    """A connection that was watched for a while."""

    connection: Connection
    netns: int
    seconds: float
    end: End
    peer: End | None = None
    """None: no socket of this host is the other end."""
    peer_is_here: bool = False
    """The peer's address belongs to a network namespace of this host."""
    events: tuple[Event, ...] = ()
    """Of this connection at both ends, while it was watched."""
    rules: tuple[Rule, ...] = ()
    tracked: ConntrackEntry | None = None
    """What connection tracking at this end knows of it."""
    gaps: tuple[str, ...] = field(default=())
    """What could not be seen, a sentence each."""

    @property
    def ends(self) -> tuple[End, ...]:
        return (self.end, self.peer) if self.peer else (self.end,)


def numbers(watch: Watch) -> Iterator[Proof]:
    """Where each end stands."""
    for end in watch.ends:
        socket = end.socket
        timer = f"timer {socket.timer.value}" + (f" in {socket.timer_ms} ms" if socket.timer_ms else "")
        backs = f", {socket.retransmits} unanswered" if socket.retransmits else ""
        yield Proof(
            "sockets",
            f"{socket.connection} {socket.state.name}, {end.who}: {socket.send_q} bytes not acknowledged,"
            f" {socket.recv_q} not read, {timer}{backs}",
        )
        if end.sequences:
            own = end.sequences
            window = "" if own.snd_wnd is None else f", may send {own.snd_wnd} beyond snd_una"
            yield Proof("sequences", f"snd_una {own.snd_una}, snd_nxt {own.snd_nxt}, rcv_nxt {own.rcv_nxt}{window}")


def moved(end: End) -> int:
    """Bytes of payload that came to it, or were acknowledged to it, while it was watched."""
    if end.sequences and end.first_sequences:
        was, now = end.first_sequences, end.sequences
        return max(distance(was.rcv_nxt, now.rcv_nxt), 0) + max(distance(was.snd_una, now.snd_una), 0)
    was_info, info = end.first.info, end.socket.info
    if was_info is None or info is None:
        return 0
    received = (info.bytes_received or 0) - (was_info.bytes_received or 0)
    return received + (info.bytes_acked or 0) - (was_info.bytes_acked or 0)


def drops(watch: Watch, *reasons: str) -> list[Event]:
    """Segments of it that were thrown away for one of these reasons."""
    return [event for event in watch.events if event.kind is EventKind.DROP and event.reason in reasons]


def waits_in_vain(end: End) -> bool:
    """It has sent what nobody acknowledges."""
    return end.socket.retransmits > 0 and end.socket.timer in {SocketTimer.RTO, SocketTimer.PROBE}


SILENT_STATES = frozenset({TcpState.ESTABLISHED, TcpState.CLOSE_WAIT, TcpState.FIN_WAIT2})
"""States that last as long as nobody does anything."""
