"""The TCP segment in a captured packet: link layer, IP and TCP headers, a few microseconds each."""

import socket
import struct
from collections.abc import Callable
from enum import Enum

from workbench.evidence.packet import Packet
from workbench.evidence.socket import Connection, Endpoint
from workbench.read.pcap_records import Record

_TCP = struct.Struct("!HHIIBBH")
_V4 = struct.Struct("!BxHHHBB")
_V6 = struct.Struct("!I HBB")
_TIMESTAMPS = struct.Struct("!II")
_V4_LENGTH, _V6_LENGTH, _TCP_LENGTH = 20, 40, 20
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLANS = {0x8100, 0x88A8, 0x9100}
_MOST_TAGS = 4
_CHAINED = {0, 43, 60}
"""IPv6 extension headers with the common form (RFC 8200): hop-by-hop, routing, destination."""
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_EXTENSIONS = 8
_MOST_REMEMBERED = 50_000
_OUTGOING = 4
"""PACKET_OUTGOING of packet(7) in cooked headers."""
_FAMILIES_V6 = {10, 24, 28, 30}
"""AF_INET6 of Linux, NetBSD, FreeBSD and Darwin, which stands in headers of loopback interfaces."""

Payload = tuple[int, bool | None] | None
"""Where the IP header begins, and whether the packet came in; None for another protocol."""


class Kind(Enum):
    """What a packet is if it is no TCP segment."""

    OTHER = "other"
    """Another protocol, or a later fragment."""
    UNREADABLE = "unreadable"
    """Headers that are cut off or contradict themselves."""


def _ethernet(data: bytes, _: str) -> Payload:
    place = 12
    for _tag in range(_MOST_TAGS):
        if (kind := data[place] << 8 | data[place + 1]) not in _VLANS:
            return (place + 2, None) if kind in {_IPV4, _IPV6} else None
        place += 4
    return None


def _cooked(data: bytes, _: str) -> Payload:
    incoming = data[1] != _OUTGOING if data[0] == 0 else None
    return (16, incoming) if (data[14] << 8 | data[15]) in {_IPV4, _IPV6} else None


def _cooked_2(data: bytes, _: str) -> Payload:
    return (20, data[10] != _OUTGOING) if (data[0] << 8 | data[1]) in {_IPV4, _IPV6} else None


def _raw(data: bytes, _: str) -> Payload:
    return 0, None


def _loopback(data: bytes, order: str) -> Payload:
    (family,) = struct.unpack_from(f"{order}I", data)
    return (4, None) if family == 2 or family in _FAMILIES_V6 else None


def _loopback_network_order(data: bytes, _: str) -> Payload:
    return _loopback(data, ">")


LINKS: dict[int, Callable[[bytes, str], Payload]] = {
    0: _loopback,
    1: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback_network_order,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked_2,
}
"""By LINKTYPE_* number (tcpdump.org/linktypes.html), with the byte order of the file, ``<`` or ``>``."""


class Decoder:
    """Makes packets; remembers connections, so that each is one object."""

    def __init__(self) -> None:
        self._connections: dict[bytes, Connection] = {}

    def decode(self, record: Record) -> Packet | Kind:
        """The segment of one packet, whose interface must have a link type out of ``LINKS``."""
        data, interface = record.data, record.interface
        try:
            found = LINKS[interface.link](data, interface.order)
            if found is None:
                return Kind.OTHER
            start, incoming = found
            if record.incoming is None:
                record.incoming = incoming
            version = data[start] >> 4
            if version == 4:
                return self._v4(record, data, start)
            if version == 6:
                return self._v6(record, data, start)
        except (struct.error, IndexError):
            return Kind.UNREADABLE
        return Kind.OTHER

    def _v4(self, record: Record, data: bytes, start: int) -> Packet | Kind:
        first, total, identification, fragment, ttl, protocol = _V4.unpack_from(data, start)
        header = (first & 15) * 4
        if protocol != socket.IPPROTO_TCP or fragment & 0x1FFF:
            return Kind.OTHER
        if header < _V4_LENGTH:
            return Kind.UNREADABLE
        # Segmentation offload beyond 64 KiB leaves the length 0 (include/net/ip.h:iph_totlen).
        end = start + total if total else record.size
        addresses = data[start + 12 : start + 20]
        return self._tcp(record, start + header, end, addresses, ttl, identification=identification)

    def _v6(self, record: Record, data: bytes, start: int) -> Packet | Kind:
        _, length, following, ttl = _V6.unpack_from(data, start)
        place = start + _V6_LENGTH
        end = place + length if length else record.size  # a jumbogram, or BIG TCP
        for _ in range(_MOST_EXTENSIONS):
            if following == socket.IPPROTO_TCP:
                return self._tcp(record, place, end, data[start + 8 : start + 40], ttl)
            if following in _CHAINED:
                following, place = data[place], place + 8 * (data[place + 1] + 1)
            elif following == _AUTHENTICATION:
                following, place = data[place], place + 4 * (data[place + 1] + 2)
            elif following == _FRAGMENT and not (data[place + 2] << 8 | data[place + 3]) & 0xFFF8:
                following, place = data[place], place + 8
            else:
                break
        return Kind.OTHER

    def _tcp(
        self, record: Record, start: int, end: int, addresses: bytes, ttl: int, *, identification: int | None = None
    ) -> Packet | Kind:
        data = record.data
        _, _, seq, ack, offset, flags, window = _TCP.unpack_from(data, start)
        header = (offset >> 4) * 4
        length = end - start - header
        if header < _TCP_LENGTH or length < 0:
            return Kind.UNREADABLE
        key = addresses + data[start : start + 4]
        way = self._connections.get(key)
        if way is None:
            if len(self._connections) >= _MOST_REMEMBERED:
                self._connections.clear()
            way = self._connections[key] = _connection(key)
        mss = wscale = tsval = tsecr = None
        sack_permitted = False
        sack: tuple[tuple[int, int], ...] = ()
        options = data[start + _TCP_LENGTH : start + header]
        if options[:4] == b"\x01\x01\x08\x0a" and len(options) == 12:
            tsval, tsecr = _TIMESTAMPS.unpack_from(options, 4)
        elif options:
            mss, wscale, sack_permitted, tsval, tsecr, sack = _options(options)
        payload = data[start + header : end] if length else b""
        return Packet(
            record.at_ns, record.interface.number, way, seq, ack, flags, window, length, ttl, record.incoming,
            identification, mss, wscale, sack_permitted, tsval, tsecr, sack, payload, record.comment,
        )  # fmt: skip


Options = tuple[int | None, int | None, bool, int | None, int | None, tuple[tuple[int, int], ...]]


def _options(options: bytes) -> Options:
    """MSS, window scale, SACK permitted, both timestamps, SACK blocks; malformed ones end the search (RFC 9293 3.1)."""
    mss = wscale = tsval = tsecr = None
    permitted = False
    sack: tuple[tuple[int, int], ...] = ()
    place, end = 0, len(options)
    while place < end:
        kind = options[place]
        if kind == 1:
            place += 1
            continue
        size = options[place + 1] if place + 1 < end else 0
        if kind == 0 or size < 2 or place + size > end:
            break
        match kind, size:
            case 2, 4:
                mss = options[place + 2] << 8 | options[place + 3]
            case 3, 3:
                wscale = options[place + 2]
            case 4, 2:
                permitted = True
            case 5, _ if size % 8 == 2:
                sack = tuple(_TIMESTAMPS.iter_unpack(options[place + 2 : place + size]))
            case 8, 10:
                tsval, tsecr = _TIMESTAMPS.unpack_from(options, place + 2)
        place += size
    return mss, wscale, permitted, tsval, tsecr, sack


def _connection(key: bytes) -> Connection:
    """Both addresses, then both ports."""
    half = (len(key) - 4) // 2
    family = socket.AF_INET if half == 4 else socket.AF_INET6
    source, target = (socket.inet_ntop(family, key[place : place + half]) for place in (0, half))
    return Connection(
        Endpoint(source, int.from_bytes(key[-4:-2], "big")), Endpoint(target, int.from_bytes(key[-2:], "big"))
    )
