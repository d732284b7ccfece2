"""One end of a connection with all that decides how long it waits, and what comes of that."""

from dataclasses import dataclass

from workbench.evidence.clockwork import Clockwork, Pending
from workbench.evidence.outlook.limits import RTO_MIN_MS, TcpLimits
from workbench.evidence.outlook.timer_wheel import Span, TimerWheel
from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Socket, SocketTimer, TcpState

_CLOSING = frozenset({TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.CLOSING, TcpState.LAST_ACK})


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long one end waits; times in milliseconds from the moment at which the evidence was taken."""

    runs: str = ""
    """The timer that runs, as a noun; empty if none does."""
    due: Span | None = None
    """When it fires."""
    then: str = ""
    """What happens when it fires; a clause without subject."""
    ends: Span | None = None
    """When this end gives up if nothing more arrives; None: never."""
    ending: str = ""
    """How it ends, or why it does not; a clause."""
    formula: str = ""
    """How that time comes about; a clause."""
    assumed: tuple[str, ...] = ()
    """What was not read and taken for granted."""


@dataclass(frozen=True, slots=True)
class WaitingEnd:
    """A socket, what is known of its timers, and what its namespace prescribes."""

    socket: Socket
    sequences: Sequences | None
    limits: TcpLimits
    hz: int | None = None
    """Ticks a second of its machine, where its own clockwork does not tell them."""

    @property
    def clockwork(self) -> Clockwork | None:
        return self.sequences.clockwork if self.sequences else None

    @property
    def wheel(self) -> TimerWheel:
        works = self.clockwork
        return TimerWheel(works.hz, works.jiffies) if works else TimerWheel(self.hz)

    @property
    def user_timeout_ms(self) -> int:
        """TCP_USER_TIMEOUT; 0: none, or not to be told."""
        return (self.sequences.user_timeout_ms if self.sequences else None) or 0

    @property
    def rto_ms(self) -> float:
        """The retransmission time-out as it is now, backed off."""
        own = self.sequences.rto_ms if self.sequences else None
        if own:
            return float(own)
        return max(self.socket.info.rto_us / 1000, 1.0) if self.socket.info else float(RTO_MIN_MS)

    @property
    def rto_max_ms(self) -> int:
        own = self.clockwork.rto_max_ms if self.clockwork else None
        return own or self.limits.rto_max_ms

    @property
    def pending(self) -> Pending:
        return self.clockwork.pending if self.clockwork else Pending.NOTHING

    @property
    def timer(self) -> SocketTimer:
        """Which timer runs: the clockwork, where there is one, was read at one moment with all that decides."""
        told = self.socket.timer
        if self.clockwork is None:
            return told
        if self.pending is Pending.NOTHING:
            return told if told is SocketTimer.KEEPALIVE else SocketTimer.NONE
        return SocketTimer.PROBE if self.pending is Pending.PROBE else SocketTimer.RTO

    @property
    def unanswered(self) -> int:
        return self.clockwork.unanswered if self.clockwork else self.socket.retransmits

    @property
    def orphan(self) -> bool:
        """No process has it open any more (SOCK_DEAD)."""
        return self.socket.inode == 0 and self.socket.state in _CLOSING

    def due(self, interval_ms: float) -> Span:
        """When the running timer fires, which was armed for ``interval_ms``.

        What is left is told to the tick for which it was set; it fires at the end of its bucket.
        """
        works, left = self.clockwork, float(self.socket.timer_ms)
        if works:
            expires = works.keepalive_expires if self.socket.timer is SocketTimer.KEEPALIVE else works.expires
            left = (expires - works.jiffies) * self.wheel.tick_ms
        armed = Span(left - interval_ms, left - interval_ms)
        longest = self.wheel.fires(armed, interval_ms)
        if not self.user_timeout_ms:
            return longest
        # It may have been cut short, and a shorter one has a narrower bucket.
        shortest = self.wheel.fires(Span(0, 0), max(left, 1.0))
        return Span(min(shortest.least, longest.least), longest.most)

    def assumed(self, *names: str) -> tuple[str, ...]:
        """What is taken for granted where these settings, or the socket's own, could not be read."""
        unread = [f"tcp_{name} {getattr(self.limits, name)}" for name in names if name in self.limits.assumed]
        if self.sequences is None and self.socket.info is not None:
            unread.append("no TCP_USER_TIMEOUT")
        return tuple(unread)
