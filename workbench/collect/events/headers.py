"""Addresses and TCP headers out of the bytes that the kernel copied (RFC 791, RFC 8200, RFC 9293)."""

import socket
import struct
import sys
from functools import lru_cache

from workbench.evidence import Connection, Endpoint
from workbench.evidence.event import Segment

_IPV4 = struct.Struct("!BxHHxxBxxx4s4s")
_IPV6 = struct.Struct("!4xHxB16s16s")
_TCP = struct.Struct("!HHIIBBH")
_MAPPED = bytes(10) + b"\xff\xff"


@lru_cache(1 << 14)
def address(packed: bytes) -> str:
    """4 or 16 bytes as text; an IPv4-mapped IPv6 address as the IPv4 address that is on the wire."""
    if len(packed) == 16 and packed.startswith(_MAPPED):
        packed = packed[12:]
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


@lru_cache(1 << 15)
def connection(local: bytes, local_port: int, peer: bytes, peer_port: int) -> Connection:
    """The connection between two packed addresses."""
    return Connection(Endpoint(address(local), local_port), Endpoint(address(peer), peer_port))


def socket_address(data: bytes) -> tuple[bytes, int] | None:
    """Packed address and port of a ``struct sockaddr_in`` or ``sockaddr_in6``; None for another family."""
    family = int.from_bytes(data[:2], sys.byteorder)
    port = int.from_bytes(data[2:4], "big")
    if family == socket.AF_INET:
        return data[4:8], port
    if family == socket.AF_INET6:
        return data[8:24], port
    return None


def segment(header: bytes, *, incoming: bool) -> tuple[Connection, Segment] | None:
    """The connection and the TCP header of an IP packet; None if it is not TCP over IP.

    The source stands first, or the destination if it is ``incoming``: the end that is here.
    """
    version = header[0] >> 4 if header else 0
    if version == 4:
        first, total, identification, ttl, source, destination = _IPV4.unpack_from(header)
        start = (first & 15) * 4
        if header[9] != socket.IPPROTO_TCP:
            return None
    elif version == 6:
        total, ttl, source, destination = _IPV6.unpack_from(header)
        if header[6] != socket.IPPROTO_TCP:  # extension headers are not followed
            return None
        start, total, identification = 40, total + 40, None
    else:
        return None
    if start < 20 or start + _TCP.size > len(header):
        return None
    source_port, destination_port, seq, ack, offset, flags, window = _TCP.unpack_from(header, start)
    length = max(total - start - (offset >> 4) * 4, 0)
    if incoming:
        ends = connection(destination, destination_port, source, source_port)
    else:
        ends = connection(source, source_port, destination, destination_port)
    return ends, Segment(seq, ack, flags, window, ttl, length, identification)
