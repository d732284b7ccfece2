"""The archive of a bundle: a zip file of one strict form, read member by member and never extracted.

Only what ``workbench.bundle.archive`` writes is accepted: files one behind the other without a gap, each described
alike in its local header and in the directory at the end (PKWARE APPNOTE 6.3, 4.3), nothing encrypted, no links, no
directories, no ZIP64, no comments. So there is no second way to read it, and none that leads out of it.
"""

import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from workbench.errors import WorkbenchError

LARGEST_FILE = 256 << 20
"""Bytes of the archive."""
LARGEST_MEMBER = 24 << 20
"""Bytes of one member, not compressed."""
LARGEST_TOTAL = 512 << 20
"""Bytes of all members, not compressed."""
MOST_MEMBERS = 8192
RATIO = 250
"""Bytes that one compressed byte may stand for, in members of more than ``RATIO_FROM`` bytes."""
RATIO_FROM = 256 << 10

LOCAL = struct.Struct("<4s5H3I2H")
"""Local header: signature, version, flags, method, time, date, CRC-32, sizes, lengths of name and extra field."""
CENTRAL = struct.Struct("<4s6H3I5H2I")
"""Entry of the directory: made by, then the same, lengths and disk, attributes, offset of the local header."""
END = struct.Struct("<4s4H2IH")
"""End of the directory."""
LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
MADE_BY = 3 << 8 | 20
"""Unix, version 2.0 of the format."""
VERSION = 20
DEFLATED = 8
DATE = 1 << 5 | 1
"""The first of January 1980, in the form of MS-DOS: every member's."""
REGULAR = (stat.S_IFREG | 0o600) << 16
"""Attributes of a regular file."""
NAME = re.compile(r"(?:[a-z0-9][a-z0-9_-]{0,40}/){0,3}[a-z0-9][a-z0-9_-]{0,40}\.(?:jsonl?|pcap)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Packed:
    """Where a member lies in the archive."""

    start: int
    """First compressed byte."""
    packed: int
    """Compressed bytes."""
    size: int
    """Bytes, not compressed."""
    crc: int


class Archive:
    """An open archive; close it."""

    def __init__(self, path: str) -> None:
        """Open it and read its directory. Raises WorkbenchError for whatever is not of the form."""
        self._path = path
        try:
            # O_NONBLOCK: opening a FIFO must not wait for its writer
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise WorkbenchError(f"{path} cannot be read: {reason}") from error
        try:
            self.members = dict(self._directory())
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        os.close(self._file)

    def read(self, name: str) -> bytes:
        """A member as a whole. Raises WorkbenchError if there is none, or if it is not what its header promises."""
        member = self.members.get(name)
        if member is None:
            self._refuse(f"it has no {name}")
        data = self._at(member.start, member.packed)
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = unpacking.decompress(data, member.size + 1)
        except zlib.error:
            self._refuse(f"{name} cannot be unpacked")
        if len(content) != member.size or not unpacking.eof or unpacking.unused_data or unpacking.unconsumed_tail:
            self._refuse(f"{name} does not have the size that it says")
        if zlib.crc32(content) != member.crc:
            self._refuse(f"{name} is damaged")
        return content

    def _refuse(self, reason: str) -> NoReturn:
        raise WorkbenchError(f"{self._path} is no bundle of the workbench, or a damaged one: {reason}")

    def _at(self, offset: int, length: int) -> bytes:
        data = b""
        try:
            while len(data) < length and (more := os.pread(self._file, length - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise WorkbenchError(f"{self._path} cannot be read: {error.strerror}") from error
        if len(data) != length:
            self._refuse("it is truncated")
        return data

    def _directory(self) -> Iterator[tuple[str, Packed]]:
        """Every member in its order."""
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):
            self._refuse("it is no regular file")
        if status.st_size > LARGEST_FILE:
            self._refuse(f"it is larger than {LARGEST_FILE >> 20} MiB")
        end = status.st_size - END.size
        if end < 0:
            self._refuse("it is truncated")
        mark, disk, first_disk, here, count, length, start, comment = END.unpack(self._at(end, END.size))
        if mark != END_MARK or disk or first_disk or comment or here != count or start + length != end:
            self._refuse("it is truncated, or something stands behind its end")
        if not 0 < count <= MOST_MEMBERS or length > count * (CENTRAL.size + 255):
            self._refuse(f"it has no members, or more than {MOST_MEMBERS}")
        directory = self._at(start, length)
        place, offset, total = 0, 0, 0
        names: set[str] = set()
        for _ in range(count):
            if place + CENTRAL.size > length:
                self._refuse("its directory is cut short")
            fields = CENTRAL.unpack_from(directory, place)
            raw = directory[place + CENTRAL.size : place + CENTRAL.size + fields[10]]
            place += CENTRAL.size + len(raw)
            name, member = self._member(fields, raw, offset)
            if name in names:
                self._refuse(f"{name} is there twice")
            names.add(name)
            total += member.size
            if total > LARGEST_TOTAL:
                self._refuse(f"it unpacks to more than {LARGEST_TOTAL >> 20} MiB")
            offset = member.start + member.packed
            if offset > start:
                self._refuse(f"{name} reaches into the directory")
            yield name, member
        if place != length or offset != start:
            self._refuse("there is something between its members")

    def _member(self, fields: tuple[Any, ...], raw: bytes, offset: int) -> tuple[str, Packed]:
        """One entry of the directory, whose local header must stand at ``offset`` and say the same."""
        name = raw.decode("ascii", "replace")
        if not NAME.fullmatch(name):
            self._refuse("it has a member with a name that none of a bundle's has")
        crc, packed, size = fields[7:10]
        common = (VERSION, 0, DEFLATED, 0, DATE, crc, packed, size, len(raw), 0)
        if fields != (CENTRAL_MARK, MADE_BY, *common, 0, 0, 0, REGULAR, offset):
            self._refuse(f"{name} is a link, encrypted, or not where it should be")
        if size > LARGEST_MEMBER or size > max(packed * RATIO, RATIO_FROM):
            self._refuse(f"{name} unpacks to {size} bytes, which no member of a bundle does")
        if self._at(offset, LOCAL.size + len(raw)) != LOCAL.pack(LOCAL_MARK, *common) + raw:
            self._refuse(f"{name} is described in two ways")
        return name, Packed(offset + LOCAL.size + len(raw), packed, size, crc)
