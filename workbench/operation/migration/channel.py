"""The byte stream between the two halves of a migration, cut into frames; docs/migration.md describes them.

A frame is the length of its head (4 bytes, big endian), the head (a JSON object; ``is`` says what kind), and, if the
head has ``bytes``, so many raw bytes.
"""

import contextlib
import json
import os
import select
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import WorkbenchError

VERSION = 1
PATIENCE = "patience"
"""A frame that says nothing but that somebody is there."""
_LENGTH = struct.Struct(">I")
LARGEST_HEAD = 16 << 20
"""Bytes. The longest one tells of every connection of a process."""
_PIECE = 1 << 20


class ChannelClosed(WorkbenchError):
    """The other half is gone, or what comes is not its language."""


class Channel:
    """One end. Frames may be sent from several threads, and are received in one."""

    def __init__(self, reading: int, writing: int) -> None:
        """Descriptors of pipes or of one socket (then the same twice); they are closed with the channel."""
        self._reading, self._writing = reading, writing
        self._sending = threading.Lock()
        self._buffer = memoryview(bytearray(_PIECE))
        self.sent = self.received = 0
        """Raw bytes of images so far."""

    def send(self, kind: str, fields: Mapping[str, object] | None = None, body: bytes = b"") -> None:
        """Send one frame. Raises ChannelClosed."""
        head = {"is": kind, **(fields or {}), **({"bytes": len(body)} if body else {})}
        with self._sending:
            self._write(_framed(head) + body)
            self.sent += len(body)

    def send_file(self, kind: str, fields: Mapping[str, object], file: int, offset: int, count: int) -> None:
        """Send a frame whose raw bytes are ``count`` of an open file; they must be there. Raises ChannelClosed."""
        with self._sending:
            self._write(_framed({"is": kind, **fields, "offset": offset, "bytes": count}))
            self.sent += count
            while count:
                try:
                    sent = os.sendfile(self._writing, file, offset, count)
                except OSError as error:
                    raise ChannelClosed(f"the other half is gone: {error.strerror}") from error
                if not sent:
                    raise ChannelClosed("an image became shorter while it was sent")
                offset, count = offset + sent, count - sent

    def receive(self, timeout: float | None = None) -> dict[str, Any]:
        """The head of the next frame. Raises ChannelClosed, TimeoutError after ``timeout`` seconds of silence."""
        length = _LENGTH.unpack(self._exactly(_LENGTH.size, timeout))[0]
        if length > LARGEST_HEAD:
            raise ChannelClosed("what came is not the language of the workbench")
        try:
            head = json.loads(self._exactly(length, timeout))
        except ValueError as error:
            raise ChannelClosed("what came is not the language of the workbench") from error
        if not isinstance(head, dict) or not isinstance(head.get("is"), str):
            raise ChannelClosed("what came is not the language of the workbench")
        return head

    def body(self, count: int) -> Iterator[memoryview]:
        """The raw bytes of the frame whose head came last, piece by piece; each is valid until the next one."""
        while count:
            piece = self._buffer[: min(count, _PIECE)]
            try:
                got = os.readv(self._reading, [piece])
            except OSError as error:
                raise ChannelClosed(f"the other half is gone: {error.strerror}") from error
            if not got:
                raise ChannelClosed("the other half is gone")
            count -= got
            self.received += got
            yield piece[:got]

    def close(self) -> None:
        for descriptor in {self._reading, self._writing}:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._reading = self._writing = -1

    def _exactly(self, count: int, timeout: float | None) -> bytes:
        deadline = None if timeout is None else time.monotonic() + timeout
        found = b""
        while len(found) < count:
            if deadline is not None:
                left = max(deadline - time.monotonic(), 0)
                if not select.select([self._reading], [], [], left)[0]:
                    raise TimeoutError
            try:
                piece = os.read(self._reading, count - len(found))
            except OSError as error:
                raise ChannelClosed(f"the other half is gone: {error.strerror}") from error
            if not piece:
                raise ChannelClosed("the other half is gone")
            found += piece
        return found

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._writing, left) :]
            except OSError as error:
                raise ChannelClosed(f"the other half is gone: {error.strerror}") from error


def _framed(head: Mapping[str, object]) -> bytes:
    text = json.dumps(head, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text
