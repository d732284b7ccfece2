"""Sockets with every option set to something that a new one does not have."""

import contextlib
import socket
import struct
from typing import Any

from tests.e2e.preflight.making import pair
from tests.e2e.preflight.other_kinds import udp_connected

SOL, IP, V6, TCP, UDP = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_IPV6, socket.IPPROTO_TCP, 17
ANY_SOCKET = (
    (SOL, 2, 1), (SOL, 5, 1), (SOL, 7, 50000), (SOL, 8, 60000), (SOL, 9, 1), (SOL, 10, 1), (SOL, 11, 1), (SOL, 12, 3),
    (SOL, 13, struct.pack("ii", 1, 7)), (SOL, 18, 5), (SOL, 20, struct.pack("ll", 3, 0)),
    (SOL, 21, struct.pack("ll", 4, 0)), (SOL, 29, 1), (SOL, 36, 77), (SOL, 37, 16), (SOL, 42, 0), (SOL, 45, 1),
    (SOL, 46, 50), (SOL, 47, struct.pack("Q", 12345678)), (SOL, 60, 1), (SOL, 69, 1), (SOL, 75, 1),
)  # fmt: skip
ANY_V4 = ((IP, 1, 8), (IP, 2, 33), (IP, 8, 1), (IP, 10, 0), (IP, 11, 1), (IP, 12, 1), (IP, 13, 1), (IP, 15, 1),
          (IP, 19, 1), (IP, 21, 5), (IP, 24, 1), (IP, 51, struct.pack("I", 40000 << 16 | 30000)))  # fmt: skip
ANY_V6 = ((V6, 16, 33), (V6, 23, 0), (V6, 25, 1), (V6, 49, 1), (V6, 62, 1), (V6, 66, 1), (V6, 67, 8), (V6, 70, 0),
          (V6, 72, 2), (V6, 73, 5), (V6, 75, 1), (V6, 78, 1))  # fmt: skip
ANY_TCP = ((TCP, 1, 1), (TCP, 4, 777), (TCP, 5, 33), (TCP, 6, 4), (TCP, 7, 3), (TCP, 8, 20), (TCP, 9, 5),
           (TCP, 13, b"reno"), (TCP, 16, 1), (TCP, 18, 5000), (TCP, 25, 4096), (TCP, 27, 1), (TCP, 36, 1),
           (TCP, 37, 1000))  # fmt: skip
DATAGRAM = ((SOL, 6, 1), (UDP, 103, 500), (UDP, 104, 1))
MULTICAST = ((IP, 33, 9), (IP, 34, 0))
MULTICAST_V6 = ((V6, 18, 9), (V6, 19, 0))


def set_all(made: socket.socket, *groups: tuple[tuple[int, int, Any], ...]) -> list[socket.socket]:
    for level, name, value in (each for group in groups for each in group):
        with contextlib.suppress(OSError):  # not an option of this kind of socket
            made.setsockopt(level, name, value)
    return [made]


def options_tcp() -> list[socket.socket]:
    return set_all(pair()[0], ANY_SOCKET, ANY_V4, ANY_TCP, ((TCP, 10, 5000), (TCP, 3, 1)))


def options_tcp_v6() -> list[socket.socket]:
    return set_all(pair("::1")[0], ANY_SOCKET, ANY_V6, ANY_TCP)


def options_listen() -> list[socket.socket]:
    made = socket.socket()
    set_all(made, ANY_SOCKET, ANY_V4, ANY_TCP, ((SOL, 15, 1), (TCP, 23, 5), (TCP, 34, 1)))
    made.bind(("127.0.0.1", 0))
    made.listen()
    return [made]


def options_udp() -> list[socket.socket]:
    return set_all(udp_connected()[0], ANY_SOCKET, ANY_V4, DATAGRAM, MULTICAST, ((SOL, 15, 1),))


def options_udp_v6() -> list[socket.socket]:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    set_all(made, ANY_SOCKET, ANY_V6, DATAGRAM, MULTICAST_V6)
    made.bind(("::1", 0))
    return [made]
