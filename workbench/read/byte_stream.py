"""The bytes of a file from the front, unpacked on the way if it is compressed, in bounded memory."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from workbench.read.image_file import Damage

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PIECE = 256 << 10
"""Bytes that are asked of the file, and of a decompressor, at a time."""
RATIO = 200
"""Times its compressed size that an archive may grow; CRIU leaves out pages of zeros, and what is left of a memory
image rarely shrinks to less than a tenth."""
UNRATED = 64 << 20
"""Bytes that may come out before the ratio counts."""
WINDOW = 1 << 25
"""Bytes of history that a zstd frame may ask for; podman's have 8 MiB at most."""


class ByteStream(Protocol):
    """What can be read from the front only."""

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end. Raises Damage."""

    def skip(self, size: int) -> bool:
        """Pass over as many; False if the end came before. Raises Damage."""

    def finish(self) -> None:
        """Pass over all that is left, so that a sum at its end is compared. Raises Damage."""


@contextmanager
def open_stream(path: str | Path) -> Iterator[ByteStream]:
    """A regular file, unpacked if its first bytes are those of gzip or zstd. Raises OSError."""
    with Path(path).open("rb", buffering=0) as file:
        head = file.read(4)
        file.seek(0)
        if head[:2] == GZIP:
            yield _Unpacked(_Gzip(file))
        elif head == ZSTD:
            yield _Unpacked(_Zstd(file))
        else:
            yield _Plain(file)


class _Plain:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        parts = []
        while size and (part := self._file.read(min(size, PIECE))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> bool:
        position = self._file.tell() + size
        self._file.seek(min(position, self._size))
        return position <= self._size

    def finish(self) -> None:
        """A plain file has no sum."""


class _Decompressor(Protocol):
    @property
    def taken(self) -> int:
        """Bytes of the compressed file so far."""

    def read(self, size: int) -> bytes:
        """Up to so many bytes, none at the end. Raises Damage."""


class _Unpacked:
    """A decompressor with a limit to what it may make of its input."""

    def __init__(self, source: _Decompressor) -> None:
        self._source = source
        self._made = 0

    def _piece(self, size: int) -> bytes:
        part = self._source.read(min(size, PIECE))
        self._made += len(part)
        if self._made > UNRATED and self._made > RATIO * self._source.taken:
            raise Damage(f"grows to more than {RATIO} times its size: unpack it, if it is to be trusted")
        return part

    def read(self, size: int) -> bytes:
        parts = []
        while size and (part := self._piece(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> bool:
        while size and (part := self._piece(size)):
            size -= len(part)
        return not size

    def finish(self) -> None:
        while self._piece(PIECE):
            pass


class _Gzip:
    """One member after the other (RFC 1952); zlib itself reads the headers, whatever their length."""

    def __init__(self, file: BinaryIO) -> None:
        self.taken = 0
        self._file = file
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._input = b""
        self._within = False

    def read(self, size: int) -> bytes:
        while True:
            if self._member.eof:
                self._input = self._member.unused_data
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._within = False
            if not self._input:
                self._input = self._file.read(PIECE)
                self.taken += len(self._input)
                if not self._input:
                    if self._within:
                        raise Damage("is truncated: its compressed data end too early")
                    return b""
            if not self._within and self._input[:1] == b"\0":  # padding behind the last member, as of a tape
                self._input = self._input.lstrip(b"\0")
                continue
            self._within = True
            try:
                made = self._member.decompress(self._input, size)
            except zlib.error as error:
                raise Damage("is damaged: its compressed data cannot be unpacked") from error
            self._input = self._member.unconsumed_tail
            if made:
                return made


class _Counted:
    """A file that remembers how much was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.taken = 0
        self._file = file

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.taken += len(data)
        return data


class _Zstd:
    """One frame after the other (RFC 8878)."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        # The reader is no part of Python's garbage collection: what it reads from must not lead back to it.
        self._file = _Counted(file)
        self._error = zstandard.ZstdError
        limited = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        self._reader = limited.stream_reader(cast("IO[bytes]", self._file), read_size=PIECE, read_across_frames=True)

    @property
    def taken(self) -> int:
        return self._file.taken

    def read(self, size: int) -> bytes:
        try:
            return self._reader.read(size)
        except self._error as error:
            raise Damage("is damaged: its compressed data cannot be unpacked") from error
