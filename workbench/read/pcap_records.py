"""What stands in pcap and pcapng files, record by record: interfaces, comments of the whole file, and packets.

Formats: the Internet-Drafts draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LARGEST_PACKET = 1 << 20
"""Bytes; libpcap takes no more than 256 KiB, and a segment of BIG TCP has half of that."""
LARGEST_BLOCK = 16 << 20
MOST_INTERFACES = 10_000
MOST_BLOCKS = 1_000_000
"""Blocks of pcapng that are no packets."""
LATEST_NS = (1 << 63) - 1
LONGEST_TEXT = 1000
"""Characters of a name or a comment."""

SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, STATISTICS, PACKET = 0x0A0D0D0A, 1, 2, 3, 5, 6
"""Types of pcapng's blocks."""
_PACKETS = frozenset({OLD_PACKET, SIMPLE_PACKET, PACKET})
BYTE_ORDER = 0x1A2B3C4D
COMMENT = 1
"""Number of the option in every block."""
IF_NAME, IF_TSRESOL, IF_TSOFFSET = 2, 9, 14
EPB_FLAGS = 2
ISB_IFRECV, ISB_IFDROP = 4, 5
NETNS_PREFIX = "netns "
"""How the comment of an interface in the workbench's own captures begins that gives its namespace's inode."""

_PACKET_HEADER = 20
_MICRO, _NANO = 0xA1B2C3D4, 0xA1B23C4D


class Damage(Exception):
    """What stands there is no capture, or no longer one; says why."""


@dataclass(slots=True)
class Interface:
    """One interface; statistics are filled in when they come, at the end."""

    number: int
    """Over all sections of the file."""
    name: str
    link: int
    order: str
    """Byte order of its section, ``<`` or ``>``."""
    units: int = 1_000_000
    """Time stamps a second."""
    offset_s: int = 0
    snaplen: int = 0
    netns: int | None = None
    received: int | None = None
    dropped: int | None = None


@dataclass(slots=True)
class Record:
    """One packet."""

    interface: Interface
    at_ns: int
    data: bytes
    size: int
    """Bytes that it had; ``data`` may have fewer."""
    incoming: bool | None = None
    comment: str = ""


Item = Interface | str | Record


def records(file: BinaryIO) -> Iterator[Item]:
    """Everything in a capture; a text is a comment of the whole file. Raises Damage, at once if it is no capture."""
    head = file.read(4)
    for order in "<>":
        magic = int.from_bytes(head, "little" if order == "<" else "big")
        if magic in {_MICRO, _NANO} and len(head) == 4:
            yield from _pcap(file, order, 1_000_000_000 if magic == _NANO else 1_000_000)
            return
    if int.from_bytes(head, "big") != SECTION:
        raise Damage("its first bytes are those of another format")
    yield from _Pcapng(file).items()


def _pcap(file: BinaryIO, order: str, units: int) -> Iterator[Item]:
    header = file.read(20)
    if len(header) < 20:
        raise Damage("its header is cut off")
    _, _, _, _, snaplen, link = struct.unpack(f"{order}HHiIII", header)
    # The upper bits tell of a frame check sequence, or are those of old programs.
    interface = Interface(0, "", link & 0xFFFF, order, units, snaplen=snaplen)
    yield interface
    packet = struct.Struct(f"{order}IIII")
    to_ns = 1_000_000_000 // units
    number = 0
    while head := file.read(16):
        number += 1
        if len(head) < 16:
            raise Damage(f"the file ends within the header of packet {number}")
        seconds, fraction, captured, size = packet.unpack(head)
        if captured > LARGEST_PACKET:
            raise Damage(f"packet {number} claims {captured} bytes: what follows is not looked at")
        data = file.read(captured)
        if len(data) < captured:
            raise Damage(f"the file ends within packet {number}")
        yield Record(interface, seconds * 1_000_000_000 + fraction * to_ns, data, max(size, captured))


class _Pcapng:
    """Blocks one after the other; the type of the first was read already."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._order = "<"
        self._interfaces: list[Interface] = []
        """Of the section."""
        self._known = 0
        self._others = 0

    def items(self) -> Iterator[Item]:
        yield from self._section()
        while head := self._file.read(8):
            if len(head) < 8:
                raise Damage("the file ends within the header of a block")
            if int.from_bytes(head[:4], "big") == SECTION:
                self._file.seek(-4, 1)
                self._count_other()
                yield from self._section()
                continue
            kind, length = struct.unpack(f"{self._order}II", head)
            if kind not in _PACKETS:
                self._count_other()
            body = self._body(length)
            try:
                yield from self._block(kind, body)
            except (struct.error, OverflowError) as error:
                raise Damage("a block is shorter than what it must hold: what follows is not looked at") from error

    def _count_other(self) -> None:
        self._others += 1
        if self._others > MOST_BLOCKS:
            raise Damage(f"it has more than {MOST_BLOCKS} blocks that are no packets: what follows is not looked at")

    def _body(self, length: int) -> bytes:
        if length < 12 or length % 4 or length > LARGEST_BLOCK:
            raise Damage(f"a block claims {length} bytes: what follows is not looked at")
        body = self._file.read(length - 8)
        if len(body) < length - 8:
            raise Damage("the file ends within a block")
        if struct.unpack(f"{self._order}I", body[-4:])[0] != length:
            raise Damage("the two lengths of a block differ: what follows is not looked at")
        return body[:-4]

    def _section(self) -> Iterator[Item]:
        """A section header, from behind its type."""
        head = self._file.read(8)
        if len(head) < 8:
            raise Damage("the file ends within the header of a section")
        for order in "<>":
            length, magic = struct.unpack(f"{order}II", head)
            if magic == BYTE_ORDER:
                break
        else:
            raise Damage("a section has no byte order")
        self._order = order
        self._interfaces = []
        if length < 28 or length % 4 or length > LARGEST_BLOCK:
            raise Damage(f"a section claims a header of {length} bytes")
        rest = self._file.read(length - 12)
        if len(rest) < length - 12:
            raise Damage("the header of a section is cut off")
        yield from (_text(value) for number, value in self._options(rest[12:-4]) if number == COMMENT)

    def _block(self, kind: int, body: bytes) -> Iterator[Item]:
        if kind == PACKET:
            number, high, low, captured, size = struct.unpack_from(f"{self._order}IIIII", body)
            yield from self._packet(number, high << 32 | low, captured, size, body)
        elif kind == INTERFACE:
            yield self._interface(body)
        elif kind == SIMPLE_PACKET:
            if not self._interfaces:
                raise Damage("a packet comes before any interface is described: what follows is not looked at")
            (size,) = struct.unpack_from(f"{self._order}I", body)
            snaplen = self._interfaces[0].snaplen
            data = body[4 : 4 + min(size, snaplen or size)]
            yield Record(self._interfaces[0], 0, data, size)
        elif kind == OLD_PACKET:
            number, _, high, low, captured, size = struct.unpack_from(f"{self._order}HHIIII", body)
            yield from self._packet(number, high << 32 | low, captured, size, body)
        elif kind == STATISTICS:
            (number,) = struct.unpack_from(f"{self._order}I", body)
            if number < len(self._interfaces):
                self._statistics(self._interfaces[number], body[12:])

    def _interface(self, body: bytes) -> Interface:
        if self._known >= MOST_INTERFACES:
            raise Damage(f"it has more than {MOST_INTERFACES} interfaces")
        link, _, snaplen = struct.unpack_from(f"{self._order}HHI", body)
        made = Interface(self._known, "", link, self._order, snaplen=snaplen)
        for number, value in self._options(body[8:]):
            if number == IF_NAME:
                made.name = _text(value)
            elif number == IF_TSRESOL and value:
                made.units = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** min(value[0], 30)
            elif number == IF_TSOFFSET and len(value) == 8:
                (made.offset_s,) = struct.unpack(f"{self._order}q", value)
            elif number == COMMENT and value.startswith(NETNS_PREFIX.encode()):
                inode = value[len(NETNS_PREFIX) : len(NETNS_PREFIX) + 20]
                made.netns = int(inode) if inode.isdigit() else None
        self._known += 1
        self._interfaces.append(made)
        return made

    def _packet(self, number: int, stamp: int, captured: int, size: int, body: bytes) -> Iterator[Record]:
        if number >= len(self._interfaces):
            raise Damage(f"a packet names interface {number}, which is not described: what follows is not looked at")
        if captured > len(body) - _PACKET_HEADER:
            raise Damage("a packet is longer than its block: what follows is not looked at")
        interface = self._interfaces[number]
        at_ns = stamp * 1_000_000_000 // interface.units + interface.offset_s * 1_000_000_000
        end = _PACKET_HEADER + captured
        record = Record(interface, min(max(at_ns, 0), LATEST_NS), body[_PACKET_HEADER:end], max(size, captured))
        if end + 4 < len(body):
            for option, value in self._options(body[end + 3 & ~3 :]):
                if option == EPB_FLAGS and len(value) == 4:
                    direction = struct.unpack(f"{self._order}I", value)[0] & 3
                    record.incoming = {1: True, 2: False}.get(direction)
                elif option == COMMENT:
                    record.comment = _text(value)
        yield record

    def _statistics(self, interface: Interface, options: bytes) -> None:
        for number, value in self._options(options):
            if len(value) == 8 and number in {ISB_IFRECV, ISB_IFDROP}:
                (count,) = struct.unpack(f"{self._order}Q", value)
                if number == ISB_IFRECV:
                    interface.received = count
                else:
                    interface.dropped = count

    def _options(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Number and value of each; what does not fit ends them."""
        place = 0
        while place + 4 <= len(data):
            number, length = struct.unpack_from(f"{self._order}HH", data, place)
            place += 4
            if number == 0 or place + length > len(data):
                return
            yield number, data[place : place + length]
            place += length + 3 & ~3


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "surrogateescape")[:LONGEST_TEXT]
