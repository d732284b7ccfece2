"""A BPF ring buffer read by its memory maps (Documentation/bpf/ringbuf.rst, tools/lib/bpf/ringbuf.c)."""

import mmap
import os
import struct
from collections.abc import Iterator

from workbench.collect import bpf

_MAP_TYPE_ARRAY, _MAP_TYPE_RINGBUF = 2, 27
_BUSY, _DISCARDED = 1 << 31, 1 << 30
_LENGTH = _DISCARDED - 1
_HEADER = 8


class RingBuffer:
    """A ring that programs write to, and beside it a count of what did not fit in."""

    def __init__(self, size: int) -> None:
        """``size`` in bytes, a power of 2 of at least a page. Raises BpfError."""
        self._size = size
        self.descriptor = bpf.create_map(_MAP_TYPE_RINGBUF, 0, 0, size)
        """For ``Program.map``, and to be polled."""
        self.refused = -1
        """Descriptor of the array whose only element counts records that did not fit in."""
        try:
            self.refused = bpf.create_map(_MAP_TYPE_ARRAY, 4, 8, 1)
            page = mmap.PAGESIZE
            self._consumer = mmap.mmap(self.descriptor, page, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            # The data is mapped twice in a row: a record that runs over the end is read in one piece.
            self._producer = mmap.mmap(self.descriptor, page + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)
        except BaseException:
            self._close_maps()
            raise
        self._position = 0
        self.is_read = True
        """Whether the last reading came to the end: a program that is being interrupted holds up what others wrote."""

    def read(self) -> Iterator[bytes]:
        """Every finished record, oldest first; stops at one that is still being written."""
        page, last = mmap.PAGESIZE, self._size - 1
        self.is_read = False
        (end,) = struct.unpack_from("=Q", self._producer)
        while self._position < end:
            place = page + (self._position & last)
            (header,) = struct.unpack_from("=I", self._producer, place)
            if header & _BUSY:
                self._release()
                return
            length = header & _LENGTH
            if not header & _DISCARDED:
                yield self._producer[place + _HEADER : place + _HEADER + length]
            self._position += _HEADER + (length + 7 & ~7)
            if self._position & 0x3FFF < _HEADER + length:
                self._release()  # while there is much to read, the programs need room
        self._release()
        self.is_read = True

    def lost(self) -> int:
        """Records that did not fit in, since the beginning."""
        return bpf.first_count(self.refused)

    def close(self) -> None:
        self._consumer.close()
        self._producer.close()
        self._close_maps()

    def _release(self) -> None:
        struct.pack_into("=Q", self._consumer, 0, self._position)

    def _close_maps(self) -> None:
        for descriptor in (self.descriptor, self.refused):
            if descriptor >= 0:
                os.close(descriptor)


def write_output(write: bpf.Program, ring: RingBuffer, frame_offset: int, length: int) -> None:
    """Emit: hand ``length`` bytes of the stack from ``frame_offset`` on to the ring, or count them as refused.

    The 4 bytes below ``frame_offset`` are used. Loses registers 0 to 5.
    """
    write.map(1, ring.descriptor)
    write.copy(2, bpf.FRAME)
    write.add(2, frame_offset)
    write.number(3, length)
    write.number(4, 0)
    write.call(bpf.RINGBUF_OUTPUT)
    write.end_if_zero(0)
    write.number(1, 0)
    write.store(bpf.FRAME, frame_offset - 4, 1, 4)
    write.map(1, ring.refused)
    write.copy(2, bpf.FRAME)
    write.add(2, frame_offset - 4)
    write.call(bpf.MAP_LOOKUP_ELEMENT)
    write.end_if_zero(0)
    write.number(1, 1)
    write.count(0, 1)
