"""TCP segments as they were seen on network interfaces, and what was captured together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from workbench.evidence.event import ACK, FIN, RST, SYN
from workbench.evidence.socket import Connection

URG, ECE, CWR = 0x20, 0x40, 0x80
"""Bits of ``Packet.flags`` besides those in ``evidence.event``."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One TCP segment over IPv4 or IPv6; numbers in host byte order, checksums not looked at."""

    at_ns: int
    """Wall clock, nanoseconds since the epoch."""
    interface: int
    """Index into ``Capture.interfaces``."""
    way: Connection
    """From ``local``, which sends it, to ``peer``; addresses as on the wire."""
    seq: int
    ack: int
    """As it stands in the header, also without ACK."""
    flags: int
    """FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128."""
    window: int
    """As it stands in the header, not scaled."""
    length: int
    """Bytes of payload by the headers, whether captured or not."""
    ttl: int
    """IPv4 time to live or IPv6 hop limit."""
    incoming: bool | None = None
    """Whether it came in at the interface; None if the capture does not tell."""
    identification: int | None = None
    """IPv4 only."""
    mss: int | None = None
    wscale: int | None = None
    """Shift count as offered, SYN only."""
    sack_permitted: bool = False
    tsval: int | None = None
    tsecr: int | None = None
    sack: tuple[tuple[int, int], ...] = ()
    """Blocks received beyond ``ack``: first byte, and the one after the last (RFC 2018)."""
    payload: bytes = b""
    """As much of it as was captured. Never leaves the host unless asked for."""
    comment: str = ""
    """Of a pcapng file; hostile."""

    @property
    def size(self) -> int:
        """In sequence numbers: SYN and FIN count as one each."""
        return self.length + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def is_reset(self) -> bool:
        return bool(self.flags & RST)

    @property
    def acks(self) -> bool:
        return bool(self.flags & ACK)


@dataclass(frozen=True, slots=True)
class CaptureInterface:
    """Where packets were seen."""

    name: str
    """As the capture calls it, hostile; ``NAMESPACE:DEVICE`` in captures of the workbench. Empty if unknown."""
    netns: int | None = None
    """Inode of the network namespace; of live captures only."""
    dropped: int | None = None
    """Packets that the kernel could not deliver to the capture, as it told; None if nobody counted."""
    received: int | None = None
    """Packets that the filter let through, as the kernel told; None if nobody counted."""


@dataclass(frozen=True, slots=True)
class Capture:
    """The TCP segments of one capture, live or read from a file, in the order in which they were seen."""

    origin: str
    """Path of the file, or ``live``."""
    interfaces: tuple[CaptureInterface, ...]
    packets: tuple[Packet, ...]
    others: int = 0
    """Packets that are no TCP segments, or later fragments of some."""
    unreadable: int = 0
    """Packets whose headers are cut off or contradict themselves."""
    comments: tuple[str, ...] = ()
    """Of the whole file; hostile."""
    problems: tuple[str, ...] = ()
    """What is missing or damaged in the file, one sentence each."""

    @property
    def dropped(self) -> int | None:
        """Packets that are missing because the capture was too slow; None if nobody counted."""
        counted = [each.dropped for each in self.interfaces if each.dropped is not None]
        return sum(counted) if counted else None


def as_one(captures: Iterable[Capture]) -> Capture:
    """All captures as one, in the order of time; interfaces one after the other."""
    captures = tuple(captures)
    if len(captures) == 1:
        return captures[0]
    packets: list[Packet] = []
    first = 0
    for capture in captures:
        packets += [replace(packet, interface=packet.interface + first) for packet in capture.packets]
        first += len(capture.interfaces)
    packets.sort(key=lambda packet: packet.at_ns)
    return Capture(
        ", ".join(capture.origin for capture in captures),
        tuple(each for capture in captures for each in capture.interfaces),
        tuple(packets),
        sum(capture.others for capture in captures),
        sum(capture.unreadable for capture in captures),
        tuple(text for capture in captures for text in capture.comments),
        tuple(text for capture in captures for text in capture.problems),
    )


def of_connection(capture: Capture, connection: Connection) -> Capture:
    """The same with the segments of one connection alone."""
    ends = {connection.unmapped, connection.unmapped.reversed}
    return replace(capture, packets=tuple(packet for packet in capture.packets if packet.way in ends))


def chosen(captures: Iterable[Capture], connection: Connection) -> Capture:
    """The segments of one connection in all captures, as one capture."""
    found = as_one(of_connection(capture, connection) for capture in captures)
    return Capture(found.origin, found.interfaces, found.packets)
