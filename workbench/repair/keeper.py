"""What the peer of a locked connection is told so that it waits: packet in, answer out, nothing else.

A locked peer retransmits into nothing and gives up after ``tcp_retries2``. A peer that is told of a window of 0 bytes
probes instead, for as long as its probes are answered (RFC 9293 3.8.6.1; net/ipv4/tcp_timer.c:tcp_retransmit_timer).
"""

from dataclasses import dataclass, replace

from workbench.evidence import Connection, ImageSocket
from workbench.evidence.sequences import SEQUENCE_MODULUS, distance
from workbench.evidence.state import MOVABLE
from workbench.repair.constants import HAS_TIMESTAMPS
from workbench.repair.segment import ACK, RST, SYN, Segment

_LARGEST_FIELD = 0xFFFF
_LEAST_MSS = 536


@dataclass(frozen=True, slots=True)
class Held:
    """What must be known of a connection to answer for it."""

    connection: Connection
    """Seen from the locked end, IPv4-mapped addresses written as IPv4."""
    rcv_nxt: int
    right_edge: int
    """End of the window that the peer was told of last."""
    rcv_wscale: int
    timestamp: int | None
    """Our timestamp clock when it was locked; None if none were negotiated."""
    mss: int = _LEAST_MSS


def held_of(socket: ImageSocket) -> Held | str:
    """Of a socket in an image or a file; a clause that says why it cannot be answered for."""
    known = socket.sequences
    if socket.state not in MOVABLE or known is None:
        return "it is not connected"
    if known.rcv_wnd is None or known.rcv_wup is None:
        return "the window that its peer was told of is not recorded"
    stamped = bool((socket.options or 0) & HAS_TIMESTAMPS)
    if stamped and not socket.timestamp:
        # A time stamp that the restored socket falls behind would have all that it sends dropped (PAWS, RFC 7323 5).
        return "its time stamp is not recorded, and a wrong one would cut it off later"
    return Held(
        connection=socket.connection.unmapped,
        rcv_nxt=known.rcv_nxt,
        right_edge=(known.rcv_wup + known.rcv_wnd) % SEQUENCE_MODULUS,
        rcv_wscale=socket.rcv_wscale or 0,
        timestamp=socket.timestamp if stamped else None,
        mss=socket.mss_clamp or _LEAST_MSS,
    )


class Keeper:
    """Answers for one connection as long as it is locked."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.answered = 0
        """Segments of the peer that were answered."""
        self.closed = False
        """The peer has been told of a window of 0 because it sent what could not be taken."""
        self.reset = False
        """The peer has given up: it sent a RST."""
        self.first: Segment | None = None
        """The newest copy of the segment that the locked end needs next."""

    def answer(self, segment: Segment) -> Segment | None:
        """What a segment of the peer is answered with; None if with nothing.

        A probe (it lies before what is expected) hears of the window again, which is never less than what the peer was
        told before. Data that cannot be taken is refused by a window of 0, as Linux does when it has no memory for a
        segment (net/ipv4/tcp_output.c:__tcp_select_window, ICSK_ACK_NOMEM): only so its sender waits. The window opens
        again with the restored socket's first acknowledgement.
        """
        if segment.flags & RST:
            self.reset = True
            return None
        place = distance(self.held.rcv_nxt, segment.seq)
        is_probe = place < 0
        brings = place + segment.length > 0
        if segment.flags & SYN or not segment.flags & ACK or not (is_probe or brings):
            return None  # a bare acknowledgement in its place asks for nothing; answering it could go on for ever
        if brings:
            self.closed = True
            if place <= 0:
                self.first = segment
        self.answered += 1
        stamps = None
        if self.held.timestamp is not None:
            stamps = self.held.timestamp, segment.timestamps[0] if segment.timestamps else 0
        # With the number that the peer expects next it is acceptable whatever of ours has been lost.
        return Segment(self.held.connection, segment.ack, self.held.rcv_nxt, ACK, self._window(), stamps)

    def _window(self) -> int:
        left = 0 if self.closed else max(distance(self.held.rcv_nxt, self.held.right_edge), 0)
        return min(left >> self.held.rcv_wscale, _LARGEST_FIELD)

    def kick(self) -> Segment | None:
        """What to play to the restored socket: the segment of the peer's that it needs next, delivered late.

        Its acknowledgement opens the window and takes the peer out of its back-off at once. None if the peer has
        sent nothing. It bears no time stamp: that of then is older than what the socket may have heard since, so that
        it would be dropped (PAWS), while Linux takes a segment without one.
        """
        if self.first is None:
            return None
        return replace(self.first, payload=self.first.payload[: self.held.mss], timestamps=None)
