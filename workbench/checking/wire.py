"""What a packet capture shows of the connections of images: how the peer waited, and what answered it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.checking.finding import Quote
from workbench.evidence import Capture, ImageDirectory, ImageSocket, Packet, Sequences, TcpState, distance
from workbench.evidence.event import FIN, RST, SYN

_WITHOUT_NUMBERS = frozenset({TcpState.SYN_SENT, TcpState.CLOSE, TcpState.LISTEN})


@dataclass(frozen=True, slots=True)
class Reset:
    """A segment with RST, and what it answered."""

    packet: Packet
    by_peer: bool
    answered: Packet | None
    """The last segment of the other side before it; None if the capture has none."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One connection of an image directory as it was seen in one capture."""

    image: ImageDirectory
    socket: ImageSocket
    sequences: Sequences
    capture: Capture
    ours: tuple[Packet, ...]
    theirs: tuple[Packet, ...]
    revived: Packet | None
    """The bare ACK one below snd_una with which the kernel leaves repair mode: the restore (net/ipv4/tcp.c:
    do_tcp_setsockopt, tcp_send_window_probe)."""
    repeats: tuple[Packet, ...]
    """What the peer sent again, although it was sent before."""
    resets: tuple[Reset, ...]

    def ahead(self) -> "Ahead":
        """How far the connection had gone beyond the images before they were restored, or in all without a restore."""
        known = self.sequences
        until = None if self.revived is None else self.revived.at_ns
        theirs = [each for each in self.theirs if until is None or each.at_ns <= until]
        ours = [each for each in self.ours if until is None or each.at_ns < until]
        received = [distance(known.write_seq, each.ack) for each in theirs if each.acks and not each.is_reset]
        acknowledged = [distance(known.rcv_nxt, each.ack) for each in ours if each.acks and not each.is_reset]
        forgotten = [distance(known.rcv_nxt, each.seq) for each in self.repeats if until is None or each.at_ns <= until]
        return Ahead(max(*received, 0, 0), max(*acknowledged, *forgotten, 0, 0))

    @property
    def gained(self) -> int:
        """Bytes of both directions that were acknowledged after the restore."""
        if self.revived is None:
            return 0
        since = self.revived.at_ns
        theirs = [
            distance(self.sequences.write_seq, each.ack) for each in self.theirs if each.at_ns > since and each.acks
        ]
        ours = [distance(self.sequences.rcv_nxt, each.ack) for each in self.ours if each.at_ns > since and each.acks]
        return max(*theirs, 0, 0) + max(*ours, 0, 0)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Bytes that the wire knows and the images do not; 0 where they agree."""

    received: int
    """The peer acknowledged so many bytes that the images have not sent yet."""
    missing: int
    """The peer was acknowledged so many bytes that the images have not received: it cannot send them again."""

    def __bool__(self) -> bool:
        return self.received > 0 or self.missing > 0


def wires(images: Sequence[ImageDirectory], captures: Sequence[Capture]) -> Iterator[Wire]:
    """Each connection of the images that a capture saw."""
    for capture in captures:
        ways: dict[object, list[Packet]] = {}
        for packet in capture.packets:
            ways.setdefault(packet.way, []).append(packet)
        for image in images:
            for socket in () if image.tcp_close else image.sockets:
                found = _wire(image, socket, capture, ways)
                if found is not None:
                    yield found


def quote(capture: Capture, packet: Packet) -> Quote:
    """A packet as evidence."""
    letters = (("SYN", SYN), ("FIN", FIN), ("RST", RST))
    flags = "+".join([name for name, bit in letters if packet.flags & bit] + (["ACK"] if packet.acks else []))
    when = datetime.fromtimestamp(packet.at_ns // 1_000_000_000, UTC).strftime("%H:%M:%S")
    fraction = packet.at_ns // 1000 % 1_000_000
    numbers = f"seq {packet.seq} ack {packet.ack}" if packet.acks else f"seq {packet.seq}"
    return Quote(capture.origin, f"{when}.{fraction:06} {packet.way} {flags} {numbers} {packet.length} bytes")


def _wire(
    image: ImageDirectory, socket: ImageSocket, capture: Capture, ways: dict[object, list[Packet]]
) -> Wire | None:
    connection, known = socket.connection.unmapped, socket.sequences
    if known is None or not connection.peer.port or socket.state in _WITHOUT_NUMBERS:
        return None
    ours, theirs = ways.get(connection, []), ways.get(connection.reversed, [])
    if not ours and not theirs:
        return None
    return Wire(
        image, socket, known, capture, tuple(ours), tuple(theirs), _revived(known, ours),
        tuple(_repeats(theirs)), tuple(_resets(ours, theirs)),
    )  # fmt: skip


def _revived(known: Sequences, ours: Sequence[Packet]) -> Packet | None:
    return next(
        (
            each
            for each in ours
            if each.acks
            and not each.size
            and not each.is_reset
            and distance(known.snd_una, each.seq) == -1
            and each.ack == known.rcv_nxt
        ),
        None,
    )


def _repeats(packets: Sequence[Packet]) -> Iterator[Packet]:
    seen: set[int] = set()
    for each in packets:
        if each.size and not each.is_reset:
            if each.seq in seen:
                yield each
            seen.add(each.seq)


def _resets(ours: Sequence[Packet], theirs: Sequence[Packet]) -> Iterator[Reset]:
    for packets, others, by_peer in ((ours, theirs, False), (theirs, ours, True)):
        for each in packets:
            if each.is_reset:
                before = (other for other in reversed(others) if other.at_ns <= each.at_ns)
                yield Reset(each, by_peer, next(before, None))
