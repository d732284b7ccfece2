"""Packets of one network namespace through a ring that the kernel fills: packet(7), TPACKET_V3."""

import ctypes
import mmap
import os
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.collect.packet_filter import attach

SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 263, 5, 6, 10
TPACKET_V3 = 2
ETH_P_ALL = 3
BLOCK_BYTES = 1 << 18
RETIRED_MS = 50
"""A block that is not full is handed over after so long."""
_TO_USER = 1
_REQUEST = struct.Struct("=7I")  # struct tpacket_req3
_BLOCK = struct.Struct("=2I 4I")  # struct tpacket_block_desc up to blk_len
_HEADER = struct.Struct("=6I 2H")  # struct tpacket3_hdr up to tp_net
_ADDRESS = struct.Struct("=H2siHBB")  # struct sockaddr_ll up to halen
_ADDRESS_AT = 48  # TPACKET_ALIGN(sizeof(struct tpacket3_hdr))
_STATUS_AT = 8
_OUTGOING = 4


@dataclass(slots=True)
class RingPacket:
    """One packet from its network header on."""

    at_ns: int
    """Wall clock."""
    data: bytes
    size: int
    """Bytes that it had."""
    interface: int
    """Index of the device."""
    incoming: bool


class PacketRing:
    """Everything that a filter lets through, on all devices of a namespace; made and read in any thread, one at a time.

    Needs CAP_NET_RAW in the namespace. Nothing on the host is changed, and the kernel ends it with the process.
    """

    def __init__(self, code: bytes, blocks: int = 16) -> None:
        """In the network namespace of the calling thread; ``code`` as ``packet_filter.program`` makes it.

        Raises OSError.
        """
        # Protocol 0 receives nothing: the filter stands before the first packet comes.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0)
        try:
            attach(self._socket, code)
            self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
            frames = BLOCK_BYTES * blocks // 2048
            request = _REQUEST.pack(BLOCK_BYTES, blocks, 2048, frames, RETIRED_MS, 0, 0)
            self._socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
            self._ring = mmap.mmap(self._socket.fileno(), BLOCK_BYTES * blocks)
            _bind_to_all_devices(self._socket)
        except BaseException:
            self._socket.close()
            raise
        self._blocks = blocks
        self._next = 0
        self.received = 0
        """Packets that the filter let through, dropped ones included; likewise ``dropped``, known after ``count``."""
        self.dropped = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    def ready(self, timeout: float) -> bool:
        """Whether there is something to take, waiting at most so many seconds."""
        return bool(select.select([self._socket], [], [], timeout)[0])

    def take(self) -> Iterator[RingPacket]:
        """What the kernel has handed over so far; all of it must be taken."""
        for _ in range(self._blocks):
            start = self._next * BLOCK_BYTES
            _, _, status, packets, first, _ = _BLOCK.unpack_from(self._ring, start)
            if not status & _TO_USER:
                return
            place = start + first
            for _number in range(packets):
                following, seconds, nanoseconds, kept, size, _, _, net = _HEADER.unpack_from(self._ring, place)
                _, _, interface, _, kind, _ = _ADDRESS.unpack_from(self._ring, place + _ADDRESS_AT)
                data = self._ring[place + net : place + net + kept]
                yield RingPacket(seconds * 1_000_000_000 + nanoseconds, data, size, interface, kind != _OUTGOING)
                place += following
            struct.pack_into("=I", self._ring, start + _STATUS_AT, 0)
            self._next = (self._next + 1) % self._blocks

    def count(self) -> None:
        """Ask how many there were; the kernel counts from 0 again each time."""
        received, dropped, _ = struct.unpack("=3I", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))
        self.received += received
        self.dropped += dropped

    def close(self) -> None:
        self._ring.close()
        self._socket.close()


def _bind_to_all_devices(sock: socket.socket) -> None:
    """Python's bind knows no device 0. Raises OSError."""
    place = struct.pack("=H", socket.AF_PACKET) + struct.pack("!H", ETH_P_ALL) + bytes(16)  # struct sockaddr_ll
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(sock.fileno(), place, len(place)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
