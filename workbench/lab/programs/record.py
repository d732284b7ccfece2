"""The unit of a lab stream: 64 bytes of text that tell their own place and vouch for themselves.

``server record 000000000041 verified 000000000000002560 0c1f9e1b``, ended by a newline: who sent it, its place in the
stream from 0, how many bytes of the other direction the sender has verified so far (after ``mismatch`` instead: where
it found the first wrong one), and the CRC-32 of all before. It reads well in a view of a queue or an image.
"""

import zlib
from typing import NamedTuple

SIZE = 64
_HEAD = SIZE - 9
_FILLER = b"".join(b"%08x" % (number * 2654435761 & 0xFFFFFFFF) for number in range(32768))
"""Text that looks the same nowhere within the longest unit."""
LARGEST_UNIT = len(_FILLER) // 2


class Record(NamedTuple):
    sender: str
    """At most six characters."""
    number: int
    """Its place in the stream, from 0."""
    reached: int
    """Bytes verified, or the position of the first wrong one."""
    intact: bool
    """The sender has found no wrong byte."""


def encode(record: Record) -> bytes:
    """The record as it goes over the wire, ``SIZE`` bytes."""
    word = "verified" if record.intact else "mismatch"
    head = f"{record.sender:<6} record {record.number:012d} {word} {record.reached:018d} ".encode()
    return head + b"%08x\n" % zlib.crc32(head)


def filler(number: int, length: int) -> bytes:
    """What stands behind a record in a stream whose unit is longer than one: other bytes for each number."""
    start = number * 8 % LARGEST_UNIT
    return _FILLER[start : start + length]


def decode(data: bytes) -> Record | None:
    """What ``SIZE`` bytes say; None if they are not a record, or a byte of it was changed."""
    head = data[:_HEAD]
    if data[_HEAD:] != b"%08x\n" % zlib.crc32(head):
        return None
    sender, _, number, word, reached = head.decode().split()
    return Record(sender, int(number), int(reached), word == "verified")
