"""Captures written as pcapng, which Wireshark opens: time stamps in nanoseconds, interfaces with their names.

Format: draft-ietf-opsawg-pcapng. Packets begin with the IP header (LINKTYPE_RAW).
"""

import platform
import struct
from collections.abc import Iterable
from typing import BinaryIO

from workbench import __version__
from workbench.read import pcap_records as p

RAW = 101
_SHB_OS, _SHB_APPLICATION = 3, 4
_NANOSECONDS = b"\x09"
_INBOUND, _OUTBOUND = 1, 2


class PcapngWriter:
    """Writes one file; little-endian, one section."""

    def __init__(self, file: BinaryIO, comment: str = "") -> None:
        self._file = file
        self.size = 0
        """Bytes written so far."""
        self._known: dict[int, int] = {}
        """Numbers in the file, which are those of the order of description, by the interfaces' own."""
        options = ((p.COMMENT, comment), (_SHB_OS, platform.system()), (_SHB_APPLICATION, f"workbench {__version__}"))
        head = struct.pack("<IHHq", p.BYTE_ORDER, 1, 0, -1)
        self._block(p.SECTION, head + _options((number, text.encode()) for number, text in options if text))

    def write(self, record: p.Record) -> None:
        """One packet, and its interface before the first of it."""
        interface = record.interface
        number = self._number(interface)
        high, low = divmod(record.at_ns, 1 << 32)
        head = struct.pack("<IIIII", number, high, low, len(record.data), record.size)
        body = head + record.data + bytes(-len(record.data) % 4)
        options = []
        if record.incoming is not None:
            options.append((p.EPB_FLAGS, struct.pack("<I", _INBOUND if record.incoming else _OUTBOUND)))
        if record.comment:
            options.append((p.COMMENT, record.comment.encode("utf-8", "surrogateescape")))
        self._block(p.PACKET, body + (_options(options) if options else b""))

    def finish(self, interface: p.Interface, at_ns: int) -> None:
        """The statistics of an interface, as far as they are known."""
        own = self._number(interface)
        counted = ((p.ISB_IFRECV, interface.received), (p.ISB_IFDROP, interface.dropped))
        high, low = divmod(at_ns, 1 << 32)
        options = _options((number, struct.pack("<Q", value)) for number, value in counted if value is not None)
        self._block(p.STATISTICS, struct.pack("<III", own, high, low) + options)

    def _number(self, interface: p.Interface) -> int:
        if interface.number not in self._known:
            self._known[interface.number] = len(self._known)
            self._describe(interface)
        return self._known[interface.number]

    def _describe(self, interface: p.Interface) -> None:
        options = [(p.IF_NAME, interface.name.encode("utf-8", "surrogateescape")), (p.IF_TSRESOL, _NANOSECONDS)]
        if interface.netns is not None:
            options.append((p.COMMENT, f"{p.NETNS_PREFIX}{interface.netns}".encode()))
        self._block(p.INTERFACE, struct.pack("<HHI", interface.link, 0, interface.snaplen) + _options(options))

    def _block(self, kind: int, body: bytes) -> None:
        body += bytes(-len(body) % 4)
        length = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + length + body + length)
        self.size += len(body) + 12


def _options(items: Iterable[tuple[int, bytes]]) -> bytes:
    """Each padded to four bytes, and the end of them."""
    written = b"".join(
        struct.pack("<HH", number, len(value)) + value + bytes(-len(value) % 4) for number, value in items
    )
    return written + bytes(4) if written else b""
