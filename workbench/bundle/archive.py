"""Writing the archive of a bundle: the same members give the same bytes."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from workbench.read.bundle_archive import (
    CENTRAL,
    CENTRAL_MARK,
    DATE,
    DEFLATED,
    END,
    END_MARK,
    LOCAL,
    LOCAL_MARK,
    MADE_BY,
    NAME,
    REGULAR,
    VERSION,
)

LEVEL = 4
"""Of zlib; another level, or another zlib, gives other bytes."""


@dataclass(frozen=True, slots=True)
class Content:
    """A member before it is written."""

    name: str
    content: bytes
    packed: bytes
    """Compressed."""

    @property
    def cost(self) -> int:
        """Bytes that it takes in the archive."""
        return LOCAL.size + CENTRAL.size + 2 * len(self.name) + len(self.packed)


def pack(name: str, content: bytes) -> Content:
    """A member, compressed."""
    assert NAME.fullmatch(name), name
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Content(name, content, packing.compress(content) + packing.flush())


def write_archive(file: BinaryIO, members: Iterable[Content]) -> None:
    """Write the members in this order."""
    directory = b""
    offset = count = 0
    for member in members:
        raw, data = member.name.encode(), member.packed
        crc, size = zlib.crc32(member.content), len(member.content)
        common = (VERSION, 0, DEFLATED, 0, DATE, crc, len(data), size, len(raw), 0)
        header = LOCAL.pack(LOCAL_MARK, *common) + raw
        directory += CENTRAL.pack(CENTRAL_MARK, MADE_BY, *common, 0, 0, 0, REGULAR, offset) + raw
        file.write(header)
        file.write(data)
        offset += len(header) + len(data)
        count += 1
    file.write(directory)
    file.write(END.pack(END_MARK, 0, 0, count, count, len(directory), offset, 0))
