"""Packet captures: pcap and pcapng of either byte order, read once from the front in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from workbench.errors import WorkbenchError
from workbench.evidence.columns import without_collection
from workbench.evidence.event import SYN
from workbench.evidence.packet import Capture, CaptureInterface, Packet
from workbench.evidence.socket import Connection
from workbench.read.packet_headers import LINKS, Decoder, Kind
from workbench.read.pcap_records import Damage, Interface, Record, records

MOST_PACKETS = 1_000_000
"""What is looked at, TCP or not; what comes after is not."""
MOST_COMMENTS = 100
_MOST_LINKS = 10
"""Unknown link types that are named."""
_NARROW = "write the part that matters into a file of its own: tcpdump -r FILE -w PART tcp port N"

_PACKET, _WAY, _BEGINNING, _BLOCK = 900, 2600, 800, 150
"""Bytes that a segment takes here and where it is followed: each, the first of its way, a SYN, a block of a SACK."""


@dataclass
class PacketRoom:
    """Memory that captures which are looked at together may still take, judged by what their segments need."""

    left: int = 128 << 20
    """Bytes."""

    def take(self, packet: Packet, *, first: bool) -> bool:
        """Whether there is room for this one, which is then taken; ``first``: of its connection and direction."""
        self.left -= (
            _PACKET
            + len(packet.payload)
            + 4 * len(packet.comment)
            + _BLOCK * len(packet.sack)
            + (_WAY if first else 0)
            + (_BEGINNING if packet.flags & SYN else 0)
        )
        return self.left >= 0


@dataclass
class _Found:
    room: PacketRoom
    wanted: frozenset[Connection] | None
    """Both directions of the only connection that counts; None: all do."""
    ways: set[Connection] = field(default_factory=set)
    packets: list[Packet] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    others: int = 0
    unreadable: int = 0
    of_unknown_link: dict[int, int] = field(default_factory=dict)


def read_capture(path: str | Path, *, room: PacketRoom | None = None, wanted: Connection | None = None) -> Capture:
    """The TCP segments of a capture, of one connection if it is ``wanted``; what is left out is told in ``problems``.

    Damage ends the reading, as do ``room``, which several captures may share, and MOST_PACKETS. Raises WorkbenchError
    if the file cannot be read or is no capture.
    """
    ways = None if wanted is None else frozenset((wanted.unmapped, wanted.unmapped.reversed))
    found = _Found(room or PacketRoom(), ways)
    try:
        with Path(path).open("rb", buffering=1 << 20) as file, without_collection():
            _read(file, found, MOST_PACKETS if ways is None else None)
    except FileNotFoundError as error:
        raise WorkbenchError(f"There is no file {path}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WorkbenchError(f"{path} cannot be read: {reason}") from error
    except Damage as error:
        raise WorkbenchError(f"{path} is no packet capture: {error}", "pcap and pcapng are read") from error
    for link, count in [*found.of_unknown_link.items()][:_MOST_LINKS]:
        found.problems.append(f"{count} packets of link type {link} were left out: it is not known here")
    return Capture(
        str(path),
        tuple(CaptureInterface(each.name, each.netns, each.dropped, each.received) for each in found.interfaces),
        tuple(found.packets),
        found.others,
        found.unreadable,
        tuple(found.comments),
        tuple(found.problems),
    )


def _read(file: BinaryIO, found: _Found, most: int | None) -> None:
    """Raises Damage if it is no capture at all."""
    decoder = Decoder()
    stream = records(file)
    first = next(stream, None)  # after the header, without which it is no capture
    looked_at = 0
    for record in chain(() if first is None else (first,), _until_damage(stream, found)):
        if isinstance(record, Interface):
            found.interfaces.append(record)
        elif isinstance(record, str):
            if len(found.comments) < MOST_COMMENTS:
                found.comments.append(record)
        elif looked_at == most or not _keep(record, decoder, found):
            found.problems.append(f"only the first {looked_at} packets were looked at: {_NARROW}")
            return
        else:
            looked_at += 1


def _until_damage(stream: Iterator[Interface | str | Record], found: _Found) -> Iterator[Interface | str | Record]:
    try:
        yield from stream
    except Damage as error:
        found.problems.append(str(error))


def _keep(record: Record, decoder: Decoder, found: _Found) -> bool:
    """False if there is no room for it."""
    if (link := record.interface.link) not in LINKS:
        found.others += 1
        found.of_unknown_link[link] = found.of_unknown_link.get(link, 0) + 1
        return True
    packet = decoder.decode(record)
    if isinstance(packet, Packet):
        if found.wanted is not None and packet.way not in found.wanted:
            return True
        if not found.room.take(packet, first=packet.way not in found.ways):
            return False
        found.ways.add(packet.way)
        found.packets.append(packet)
    elif packet is Kind.OTHER:
        found.others += 1
    else:
        found.unreadable += 1
    return True
