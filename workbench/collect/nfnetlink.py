"""Requests over NETLINK_NETFILTER: the few that are asked every second, without a library's message objects."""

import os
import socket
import struct
from collections.abc import Iterator

NETLINK_NETFILTER = 12
SUBSYSTEM_CONNTRACK = 1
SUBSYSTEM_NFTABLES = 10
_HEADER_BYTES = 20
"""struct nlmsghdr and struct nfgenmsg."""

_NLM_F_REQUEST = 0x1
_NLM_F_DUMP = 0x300
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_SO_NETNS_COOKIE = 71
_RECEIVE_BYTES = 1 << 18
_TIMEOUT_S = 5


class DumpInterruptedError(OSError):
    """The table changed while it was listed: what was read may lack entries or have some twice."""


def open_socket() -> socket.socket:
    """A socket in the network namespace of the calling thread."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
    opened.settimeout(_TIMEOUT_S)
    return opened


def namespace_cookie(opened: socket.socket) -> int | None:
    """Number of the socket's network namespace, never used again while the host runs; None before Linux 5.14."""
    try:
        return int.from_bytes(opened.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), "little")
    except OSError:
        return None


def request(opened: socket.socket, subsystem: int, message: int, family: int = 0) -> bytes:
    """One question with one answer: the attributes of the answer. Raises OSError if it is refused."""
    _send(opened, subsystem, message, family, _NLM_F_REQUEST)
    for kind, _, body in messages(opened.recv(_RECEIVE_BYTES)):
        _raise_error(kind, body)
        return body[4:]
    return b""


def dump(opened: socket.socket, subsystem: int, message: int, family: int = 0) -> Iterator[tuple[int, bytes]]:
    """Family and attributes of every entry of a table.

    Raises OSError if it is refused, DumpInterruptedError if the table changed meanwhile.
    """
    _send(opened, subsystem, message, family, _NLM_F_REQUEST | _NLM_F_DUMP)
    while True:
        for kind, flags, body in messages(opened.recv(_RECEIVE_BYTES)):
            if flags & _NLM_F_DUMP_INTR:
                raise DumpInterruptedError
            if kind == _NLMSG_DONE:
                return
            _raise_error(kind, body)
            yield body[0], body[4:]


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type (without its flag bits) and value of each attribute (struct nlattr, host byte order)."""
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        if length < 4:
            return
        yield kind & 0x3FFF, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _send(opened: socket.socket, subsystem: int, message: int, family: int, flags: int) -> None:
    opened.send(struct.pack("=IHHIIBBH", _HEADER_BYTES, subsystem << 8 | message, flags, 1, 0, family, 0, 0))


def messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each message of a datagram (struct nlmsghdr)."""
    offset = 0
    while offset + 16 <= len(data):
        length, kind, flags = struct.unpack_from("=IHH", data, offset)
        if length < 16:
            return
        yield kind, flags, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _raise_error(kind: int, body: bytes) -> None:
    if kind == _NLMSG_ERROR:
        number = -struct.unpack_from("=i", body)[0]
        if number:
            raise OSError(number, os.strerror(number))
