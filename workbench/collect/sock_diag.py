"""NETLINK_SOCK_DIAG: one question to one network namespace, the kernel's whole answer as bytes (sock_diag(7))."""

import errno
import mmap
import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.collect.namespaces import inside
from workbench.evidence import NetworkNamespace

HEADER = struct.Struct("=IHHII")
"""``struct nlmsghdr``: length, type, flags, sequence, port."""
_NETLINK_SOCK_DIAG = 4
_DUMP_REQUEST = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ERROR, _DONE = 2, 3
_MOST = 1 << 15  # what the kernel gives at a time (netlink_dump)
ANSWER_S = 5
"""The kernel answers at once, or not at all: a part of an answer that was lost never comes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All messages of one dump."""

    data: bytes | mmap.mmap
    offsets: list[int]
    """Where each message begins (its ``struct nlmsghdr``)."""

    def messages(self) -> Iterator[bytes]:
        """Each message without its header."""
        for offset in self.offsets:
            (length,) = struct.unpack_from("=I", self.data, offset)
            yield bytes(self.data[offset + HEADER.size : offset + length])


class SockDiag:
    """A netlink socket of one namespace; it keeps the namespace alive until it is closed."""

    def __init__(self, namespace: NetworkNamespace) -> None:
        """Raises OSError if the namespace cannot be entered or is no longer the one that was meant."""

        def open_within() -> socket.socket:
            if Path("/proc/thread-self/ns/net").stat().st_ino != namespace.inode:
                raise FileNotFoundError(f"network namespace {namespace.inode} is gone")
            return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)

        self._socket = inside(namespace.path, open_within)
        # The kernel's own limit: one of Python's would cost a poll(2) for every part of the answer.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", ANSWER_S, 0))
        self._sequence = 0
        self._expected = 1 << 20

    def dump(self, message_type: int, request: bytes) -> Answer:
        """Ask and return every answer.

        Raises OSError with the kernel's error number, TimeoutError if nothing came for ``ANSWER_S``; then the rest may
        still come, and the socket is of no more use.
        """
        self._sequence += 1
        length = HEADER.size + len(request)
        self._socket.send(HEADER.pack(length, message_type, _DUMP_REQUEST, self._sequence, 0) + request)
        # Pages of a mapping are touched by what is received and by nothing else; it is handed over with the answer.
        # A shared one could be made longer, but what was added could not be touched.
        buffer = mmap.mmap(-1, self._expected, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        offsets: list[int] = []
        end = 0
        while True:
            if len(buffer) - end < _MOST:
                buffer.resize(2 * len(buffer))
            with memoryview(buffer) as whole, whole[end:] as room:
                begin, end = end, end + self._receive(room)
            if self._walk(buffer, begin, end, offsets):
                self._expected = len(buffer)
                return Answer(buffer, offsets)

    def _receive(self, room: memoryview) -> int:
        try:
            return self._socket.recv_into(room)
        except BlockingIOError as error:
            raise TimeoutError(errno.ETIMEDOUT, f"the kernel gave no answer within {ANSWER_S} s") from error

    def _walk(self, buffer: mmap.mmap, position: int, end: int, offsets: list[int]) -> bool:
        """Add the place of each answer that was received; true if the dump is complete."""
        if alike := self._alike(buffer, position, end):
            offsets.extend(alike)
            return False
        while position < end:
            length, kind, _, sequence, _ = HEADER.unpack_from(buffer, position)
            if sequence == self._sequence:  # else: the rest of an earlier dump that was broken off
                if kind in (_DONE, _ERROR):
                    self._raise_error(buffer, position, length)
                    return True
                offsets.append(position)
            position += (length + 3) & ~3
        return False

    def _alike(self, buffer: mmap.mmap, begin: int, end: int) -> range:
        """Places of the messages if all have the length of the first one: two slices instead of a step for each.

        The length of a message in a datagram of 32 KiB stands in its first two bytes (little-endian).
        """
        length, kind, _, sequence, _ = HEADER.unpack_from(buffer, begin)
        places = range(begin, end, (length + 3) & ~3)
        if sequence != self._sequence or kind in (_DONE, _ERROR) or (end - begin) % places.step:
            return range(0)
        same = all(
            buffer[begin + byte : end : places.step] == length.to_bytes(2, "little")[byte : byte + 1] * len(places)
            for byte in (0, 1)
        )
        return places if same and sys.byteorder == "little" else range(0)

    def _raise_error(self, buffer: mmap.mmap, position: int, length: int) -> None:
        if length < HEADER.size + 4:
            return
        (number,) = struct.unpack_from("=i", buffer, position + HEADER.size)
        if number < 0:
            raise OSError(-number, os.strerror(-number))

    def close(self) -> None:
        self._socket.close()


class SockDiags:
    """One open SockDiag for each namespace, kept from round to round."""

    def __init__(self) -> None:
        self._open: dict[int, SockDiag] = {}

    def of(self, namespace: NetworkNamespace) -> SockDiag:
        """The socket of ``namespace``, opened if need be. Raises OSError if it cannot be entered."""
        if namespace.inode not in self._open:
            self._open[namespace.inode] = SockDiag(namespace)
        return self._open[namespace.inode]

    def drop_others(self, namespaces: Iterable[NetworkNamespace]) -> None:
        """Close those of namespaces that nothing but our own socket keeps alive any more."""
        for inode in self._open.keys() - {namespace.inode for namespace in namespaces}:
            self._open.pop(inode).close()

    def drop(self, namespace: NetworkNamespace) -> None:
        """Close its socket, as after an answer that broke off."""
        if opened := self._open.pop(namespace.inode, None):
            opened.close()

    def close(self) -> None:
        self.drop_others(())
