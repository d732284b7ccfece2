"""A host of another make at the far end of a TUN device: the kernel here sees only what comes in by it."""

import fcntl
import os
import select
import socket
import struct

from tests.e2e.events.conftest import DEADLINE_S, Host
from workbench.collect.namespaces import inside

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
FIN, SYN, RST, ACK = 1, 2, 4, 16


class Remote:
    """Speaks TCP packet by packet with one server."""

    def __init__(self, host: Host, address: str = "10.80.0.9", port: int = 40000) -> None:
        self.address, self.port = address, port
        self._device = inside(host.path, self._open)
        self._host = host
        host.run("ip", "address", "add", "10.80.0.2/24", "dev", "tun0")
        host.run("ip", "link", "set", "tun0", "up")
        self.to = ("10.80.0.2", 0)
        self.seq, self.ack = 1000, 0

    @staticmethod
    def _open() -> int:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _IFF_TUN | _IFF_NO_PI))
        return device

    def connect(self, port: int) -> None:
        """Three-way handshake."""
        self.to = (self.to[0], port)
        self.send(SYN)
        self.seq += 1
        answer = self._answer()
        self.ack = struct.unpack_from("!I", answer, 4)[0] + 1
        self.send(ACK)

    def send(self, flags: int, data: bytes = b"", *, ttl: int = 57, off: int = 0) -> None:
        """One segment; ``off``: so many bytes beside the sequence number that is due."""
        number = (self.seq + off) & 0xFFFFFFFF
        tcp = struct.pack("!HHIIBBHHH", self.port, self.to[1], number, self.ack, 5 << 4, flags, 64000, 0, 0) + data
        source, destination = socket.inet_aton(self.address), socket.inet_aton(self.to[0])
        pseudo = source + destination + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 7, 0, ttl, socket.IPPROTO_TCP, 0, source, destination
        )
        os.write(self._device, header[:10] + struct.pack("!H", checksum(header)) + header[12:] + tcp)
        self.seq += len(data)

    def next_segment_from(self, port: int) -> bytes:
        """The next segment that comes out of this port."""
        while True:
            segment = self._answer()
            if struct.unpack_from("!H", segment)[0] == port:
                return segment

    def _answer(self) -> bytes:
        """The next TCP segment that comes out."""
        while True:
            assert select.select([self._device], [], [], DEADLINE_S)[0], "nothing came"
            packet = os.read(self._device, 2048)
            if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
                return packet[(packet[0] & 15) * 4 :]

    def close(self) -> None:
        os.close(self._device)


def checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
