"""TCP segments as IP packets: built for a raw socket, and read as an AF_PACKET socket gives them."""

import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.evidence import Connection, Endpoint
from workbench.evidence.sequences import SEQUENCE_MODULUS

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_TCP = struct.Struct("!HHIIBBHHH")
_V4 = struct.Struct("!BBHHHBBH4s4s")
_V6 = struct.Struct("!IHBB16s16s")
_TIMESTAMPS = struct.Struct("!BBBBII")
_HOP_LIMIT = 64
_DONT_FRAGMENT = 0x4000


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment; numbers in host byte order, the window as it stands in the header (not scaled)."""

    way: Connection
    """From ``local``, which sends it, to ``peer``; IPv4-mapped addresses written as IPv4."""
    seq: int
    ack: int
    flags: int
    window: int
    timestamps: tuple[int, int] | None = None
    """TSval and TSecr (RFC 7323)."""
    payload: bytes = b""

    @property
    def length(self) -> int:
        """In sequence numbers: SYN and FIN count as one each."""
        return len(self.payload) + bool(self.flags & FIN) + bool(self.flags & SYN)


def packet(segment: Segment) -> bytes:
    """The whole IP packet with its checksums, as a raw socket with IP_HDRINCL takes it."""
    source, target = (ipaddress.ip_address(end.address).packed for end in (segment.way.local, segment.way.peer))
    options = _TIMESTAMPS.pack(1, 1, 8, 10, *segment.timestamps) if segment.timestamps else b""
    length = _TCP.size + len(options) + len(segment.payload)
    head = _TCP.pack(
        segment.way.local.port,
        segment.way.peer.port,
        segment.seq % SEQUENCE_MODULUS,
        segment.ack % SEQUENCE_MODULUS,
        (_TCP.size + len(options)) // 4 << 4,
        segment.flags,
        segment.window,
        0,
        0,
    )
    content = head + options + segment.payload
    pseudo = source + target + struct.pack("!II", length, socket.IPPROTO_TCP)
    content = content[:16] + struct.pack("!H", _checksum(pseudo + content)) + content[18:]
    if len(source) == 4:  # the kernel fills in the checksum and the identification (raw(7))
        total = _V4.size + length
        return _V4.pack(0x45, 0, total, 0, _DONT_FRAGMENT, _HOP_LIMIT, socket.IPPROTO_TCP, 0, source, target) + content
    return _V6.pack(6 << 28, length, socket.IPPROTO_TCP, _HOP_LIMIT, source, target) + content


def parse(data: bytes) -> Segment | None:
    """The segment of an IP packet; None if it is no whole TCP segment, a fragment, or has IPv6 extension headers.

    Checksums are not looked at: on a virtual link they may not be filled in yet.
    """
    try:
        if data[0] >> 4 == 4:
            size = (data[0] & 15) * 4
            _, _, total, _, fragment, _, protocol, _, source, target = _V4.unpack_from(data)
            if fragment & 0x3FFF:
                return None
        else:
            size = _V6.size
            _, length, protocol, _, source, target = _V6.unpack_from(data)
            total = size + length
        if protocol != socket.IPPROTO_TCP:
            return None
        content = data[size:total]
        sport, dport, seq, ack, offset, flags, window, _, _ = _TCP.unpack_from(content)
        start = (offset >> 4) * 4
        if start < _TCP.size or start > len(content):
            return None
    except (struct.error, IndexError):
        return None
    ends = (Endpoint(str(ipaddress.ip_address(raw)), port) for raw, port in ((source, sport), (target, dport)))
    stamps = _timestamps(content[_TCP.size : start])
    return Segment(Connection(*ends), seq, ack, flags, window, stamps, content[start:])


def _timestamps(options: bytes) -> tuple[int, int] | None:
    """Value of option 8; malformed options end the search (RFC 9293 3.1)."""
    place = 0
    while place < len(options):
        kind = options[place]
        if kind == 1:
            place += 1
            continue
        if kind == 0 or place + 1 >= len(options) or options[place + 1] < 2:
            return None
        if kind == 8 and options[place + 1] == 10 and place + 10 <= len(options):
            value, echo = struct.unpack_from("!II", options, place + 2)
            return value, echo
        place += options[place + 1]
    return None


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class RawSender:
    """Sends segments from any address, with the mark that passes a lock; needs CAP_NET_RAW and CAP_NET_ADMIN."""

    def __init__(self, mark: int) -> None:
        """In the network namespace of the calling thread."""
        self._mark = mark
        self._sockets: dict[int, socket.socket] = {}

    def open_for(self, addresses: Iterable[str]) -> None:
        """Open what these will need, in the namespace of the calling thread; later ``send`` may be called in any."""
        for address in addresses:
            self._socket(_family(address))

    def send(self, segment: Segment) -> None:
        """Raises OSError if there is no route."""
        self._socket(_family(segment.way.peer.address)).sendto(packet(segment), (segment.way.peer.address, 0))

    def _socket(self, family: socket.AddressFamily) -> socket.socket:
        if family not in self._sockets:  # IPPROTO_RAW implies that the header is included, in both families
            opened = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark)
            self._sockets[family] = opened
        return self._sockets[family]

    def close(self) -> None:
        for opened in self._sockets.values():
            opened.close()
        self._sockets.clear()
