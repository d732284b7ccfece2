"""Sequence numbers and windows of one connection."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.evidence.clockwork import Clockwork

SEQUENCE_MODULUS = 1 << 32


def distance(start: int, end: int) -> int:
    """Bytes from ``start`` forward to ``end`` modulo 2^32, negative if ``end`` lies behind (RFC 9293 3.4)."""
    forward = (end - start) % SEQUENCE_MODULUS
    return forward - SEQUENCE_MODULUS if forward >= SEQUENCE_MODULUS // 2 else forward


@dataclass(frozen=True, slots=True)
class Sequences:
    """What the kernel's ``struct tcp_sock`` knows of both sequence spaces.

    Sequence numbers are absolute, host byte order, modulo 2^32; windows are bytes, already scaled.
    From a live socket (BPF iterator, or TCP_REPAIR of a stopped owner) or computed from a CRIU image.
    A field that the source cannot tell is None.
    """

    snd_una: int
    """First byte sent and not acknowledged."""
    snd_nxt: int
    """Next byte to send."""
    write_seq: int
    """End of the send queue; ``write_seq - snd_nxt`` bytes were never sent."""
    rcv_nxt: int
    """Next byte expected from the peer."""
    copied_seq: int
    """Next byte that the program will read."""
    snd_wnd: int | None = None
    """Window that the peer announced, from ``snd_una``."""
    rcv_wnd: int | None = None
    """Window that we announced, from ``rcv_wup``."""
    rcv_wup: int | None = None
    """``rcv_nxt`` when the window was last announced."""
    snd_wl1: int | None = None
    """Sequence number of the segment that last updated ``snd_wnd``."""
    max_window: int | None = None
    """Largest window that the peer ever announced."""
    tsoffset: int | None = None
    """Offset of this connection's timestamp clock."""
    ts_recent: int | None = None
    """Peer's last timestamp that was in order."""
    retrans_stamp: int | None = None
    """Timestamp-clock value of the first retransmission of the current series; 0 = none."""
    user_timeout_ms: int | None = None
    rto_ms: int | None = None
    out_of_order: bool | None = None
    """Segments wait in the out-of-order queue."""
    repair: bool | None = None
    """The socket is in TCP_REPAIR mode."""
    clockwork: Clockwork | None = None
    """Its timers and limits; only from a live socket."""

    @property
    def in_flight(self) -> int:
        """Bytes sent and not acknowledged (a FIN counts as one)."""
        return distance(self.snd_una, self.snd_nxt)

    @property
    def unsent(self) -> int:
        """Bytes written by the program and never sent."""
        return distance(self.snd_nxt, self.write_seq)

    @property
    def unread(self) -> int:
        """Bytes received and not read by the program."""
        return distance(self.copied_seq, self.rcv_nxt)

    @property
    def send_window_left(self) -> int | None:
        """Bytes that may still be sent now; negative if the peer shrank its window."""
        return None if self.snd_wnd is None else self.snd_wnd - self.in_flight

    @property
    def receive_window_left(self) -> int | None:
        """Bytes that the peer may still send into the announced window."""
        if self.rcv_wnd is None or self.rcv_wup is None:
            return None
        return self.rcv_wnd - distance(self.rcv_wup, self.rcv_nxt)


class SequenceColumns(Mapping[int, Sequences]):
    """Sequences by socket cookie that are kept as columns: to ask all of them takes no record for each."""

    @abstractmethod
    def in_repair(self) -> frozenset[int]:
        """Cookies of the sockets in repair mode."""


def in_repair(known: Mapping[int, Sequences]) -> frozenset[int]:
    """Cookies of the sockets in repair mode."""
    if isinstance(known, SequenceColumns):
        return known.in_repair()
    return frozenset(cookie for cookie, each in known.items() if each.repair)


def apart(ours: Sequences, theirs: Sequences) -> int | None:
    """By how many bytes the receiver is not where the sender's numbers allow it to be; None if it is.

    Positive: it lacks bytes that the sender has forgotten, negative: it has bytes that were never sent.
    """
    missing = distance(theirs.rcv_nxt, ours.snd_nxt)
    if missing < 0:
        return missing
    return missing - max(ours.in_flight, 0) if missing > max(ours.in_flight, 0) else None
