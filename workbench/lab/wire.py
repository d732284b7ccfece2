"""What comes over the cable of a lab from one endpoint, counted at the other end."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from workbench.collect.within import within
from workbench.evidence import NetworkNamespace
from workbench.repair.constants import SO_RCVBUFFORCE

_ETH_P_IP = 0x0800
_BUFFER_BYTES = 32 << 20
_HEADERS = 160
"""Bytes of a frame that are looked at: Ethernet, IPv4 and TCP headers at their longest."""
_RST = 0x04


@dataclass(frozen=True, slots=True)
class Passed:
    """Segments that came, and what was in them."""

    segments: int = 0
    payload: int = 0
    resets: int = 0


@contextmanager
def wire(namespace: NetworkNamespace, source: tuple[str, int]) -> Iterator[Callable[[], Passed]]:
    """Count IPv4 segments from an address and port that reach this host; call what is given for those so far."""

    def opened() -> socket.socket:
        return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))

    passed = Passed()

    def count() -> Passed:
        nonlocal passed
        while True:
            try:
                data, address = tap.recvfrom(_HEADERS, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return passed
            if address[2] == socket.PACKET_HOST and (found := _payload(data, source)) is not None:
                length, flags = found
                passed = Passed(passed.segments + 1, passed.payload + length, passed.resets + bool(flags & _RST))

    with within(namespace, opened) as tap:
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER_BYTES)
        yield count


def _payload(packet: bytes, source: tuple[str, int]) -> tuple[int, int] | None:
    """Bytes of payload and flags of a segment from that address and port; None for any other packet."""
    if len(packet) < 40 or packet[9] != socket.IPPROTO_TCP:
        return None
    header = (packet[0] & 0x0F) * 4
    if packet[12:16] != socket.inet_aton(source[0]) or len(packet) < header + 20:
        return None
    port, _, _, _, offset, flags = struct.unpack_from("!HHIIBB", packet, header)
    if port != source[1]:
        return None
    (total,) = struct.unpack_from("!H", packet, 2)
    return max(total - header - (offset >> 4) * 4, 0), flags
