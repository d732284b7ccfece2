"""Socket options: read without disturbing a socket, and set on a restored one."""

import contextlib
import socket
import struct
from collections.abc import Mapping
from socket import IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET

from workbench.repair.constants import SO_BUF_LOCK, SO_RCVBUFFORCE, SO_SNDBUFFORCE, TCP_REPAIR
from workbench.repair.record import SocketOptions

# name -> level, number (include/uapi/asm-generic/socket.h, linux/tcp.h, linux/in.h, linux/in6.h)
_NUMBERS = {
    "SO_SNDBUF": (SOL_SOCKET, 7),
    "SO_RCVBUF": (SOL_SOCKET, 8),
    "SO_BUF_LOCK": (SOL_SOCKET, SO_BUF_LOCK),
    "SO_REUSEADDR": (SOL_SOCKET, 2),
    "SO_REUSEPORT": (SOL_SOCKET, 15),
    "SO_KEEPALIVE": (SOL_SOCKET, 9),
    "SO_BROADCAST": (SOL_SOCKET, 6),
    "SO_OOBINLINE": (SOL_SOCKET, 10),
    "SO_DONTROUTE": (SOL_SOCKET, 5),
    "SO_NO_CHECK": (SOL_SOCKET, 11),
    "SO_PRIORITY": (SOL_SOCKET, 12),
    "SO_RCVLOWAT": (SOL_SOCKET, 18),
    "SO_MARK": (SOL_SOCKET, 36),
    "TCP_NODELAY": (IPPROTO_TCP, 1),
    "TCP_CORK": (IPPROTO_TCP, 3),
    "TCP_KEEPIDLE": (IPPROTO_TCP, 4),
    "TCP_KEEPINTVL": (IPPROTO_TCP, 5),
    "TCP_KEEPCNT": (IPPROTO_TCP, 6),
    "TCP_SYNCNT": (IPPROTO_TCP, 7),
    "TCP_LINGER2": (IPPROTO_TCP, 8),
    "TCP_WINDOW_CLAMP": (IPPROTO_TCP, 10),
    "TCP_USER_TIMEOUT": (IPPROTO_TCP, 18),
    "TCP_NOTSENT_LOWAT": (IPPROTO_TCP, 25),
    "IP_TOS": (IPPROTO_IP, 1),
    "IP_TTL": (IPPROTO_IP, 2),
    "IP_FREEBIND": (IPPROTO_IP, 15),
    "IP_TRANSPARENT": (IPPROTO_IP, 19),
}
_V6_NUMBERS = {"IPV6_V6ONLY": (IPPROTO_IPV6, 26), "IPV6_TCLASS": (IPPROTO_IPV6, 67)}
_TEXTS = {"TCP_CONGESTION": (IPPROTO_TCP, 13, 16), "SO_BINDTODEVICE": (SOL_SOCKET, 25, 16)}
_INTERVALS = {"SO_RCVTIMEO": (SOL_SOCKET, 20), "SO_SNDTIMEO": (SOL_SOCKET, 21)}
_TIMEVAL = struct.Struct("@ll")
_LINGER = struct.Struct("@ii")
_EARLY = frozenset({"IP_FREEBIND", "IP_TRANSPARENT", "IPV6_V6ONLY", "SO_BINDTODEVICE", "SO_MARK", "TCP_CONGESTION"})
"""What bind(2) and connect(2) look at."""
_BY_OTHERS = frozenset({"SO_SNDBUF", "SO_RCVBUF", "SO_BUF_LOCK", "SO_REUSEADDR"})
"""Set on their own: the buffers beyond their limits, SO_REUSEADDR when repair mode, which owns it, is left."""
KNOWN = frozenset({*_NUMBERS, *_V6_NUMBERS, *_TEXTS, *_INTERVALS, "SO_LINGER"})
"""Names of all options that are read and set."""


def read_options(sock: socket.socket) -> SocketOptions:
    """The options of a TCP socket by the kernel's name, as getsockopt(2) gives them.

    Booleans are 0 and 1, buffers are bytes (already doubled by the kernel), SO_RCVTIMEO and SO_SNDTIMEO are
    microseconds, SO_LINGER is seconds or -1 for off, TCP_USER_TIMEOUT milliseconds. An option that this
    kernel or family lacks is absent. In repair mode SO_REUSEADDR is the kernel's own and TCP_MAXSEG means something
    else: the one is absent then, the other always (the MSS in use is in ``TcpInfo``).
    """
    numbers = _NUMBERS | (_V6_NUMBERS if sock.family == socket.AF_INET6 else {})
    values: dict[str, int | str] = {}
    for name, (level, number) in numbers.items():
        with contextlib.suppress(OSError):
            values[name] = sock.getsockopt(level, number)
    for name, (level, number, size) in _TEXTS.items():
        with contextlib.suppress(OSError):
            raw = sock.getsockopt(level, number, size)
            values[name] = raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    for name, (level, number) in _INTERVALS.items():
        with contextlib.suppress(OSError):
            seconds, microseconds = _TIMEVAL.unpack(sock.getsockopt(level, number, _TIMEVAL.size))
            values[name] = seconds * 1_000_000 + microseconds
    with contextlib.suppress(OSError):
        on, seconds = _LINGER.unpack(sock.getsockopt(SOL_SOCKET, socket.SO_LINGER, _LINGER.size))
        values["SO_LINGER"] = seconds if on else -1
    with contextlib.suppress(OSError):
        if sock.getsockopt(IPPROTO_TCP, TCP_REPAIR):
            values.pop("SO_REUSEADDR", None)
    return values


def apply_options(sock: socket.socket, options: SocketOptions, *, before_connect: bool) -> None:
    """Set what differs on a socket in repair mode: first what bind(2) and connect(2) look at, later the rest.

    An option that this kernel or family lacks is left out, like one whose value is not allowed here. Raises OSError for
    a device that does not exist, without which the connection would take another way.
    """
    if before_connect:
        set_buffers(sock, options)
    present = read_options(sock)
    # IP_TOS sets SO_PRIORITY as well (net/ipv4/ip_sockglue.c:ip_sock_set_tos): the other one afterwards.
    for name, value in sorted(options.items(), key=lambda each: each[0] != "IP_TOS"):
        if (name in _EARLY) is not before_connect or name in _BY_OTHERS or present.get(name) == value:
            continue
        try:
            _set(sock, name, value)
        except OSError:
            if name == "SO_BINDTODEVICE":
                raise
    if not before_connect:
        set_buffers(sock, options)
        with contextlib.suppress(OSError, KeyError):  # Linux < 5.15
            sock.setsockopt(SOL_SOCKET, SO_BUF_LOCK, int(options["SO_BUF_LOCK"]))


def set_buffers(sock: socket.socket, options: Mapping[str, int | str]) -> None:
    """SO_SNDBUF and SO_RCVBUF as getsockopt(2) gives them: setsockopt(2) doubles what it is told."""
    for name, number in (("SO_SNDBUF", SO_SNDBUFFORCE), ("SO_RCVBUF", SO_RCVBUFFORCE)):
        if name in options:
            sock.setsockopt(SOL_SOCKET, number, int(options[name]) // 2)


def _set(sock: socket.socket, name: str, value: int | str) -> None:
    numbers = _NUMBERS | (_V6_NUMBERS if sock.family == socket.AF_INET6 else {})
    if name in numbers:
        sock.setsockopt(*numbers[name], int(value))
    elif name in _TEXTS:
        level, number, _ = _TEXTS[name]
        sock.setsockopt(level, number, str(value).encode("utf-8", "surrogateescape"))
    elif name in _INTERVALS:
        sock.setsockopt(*_INTERVALS[name], _TIMEVAL.pack(*divmod(int(value), 1_000_000)))
    elif name == "SO_LINGER":
        sock.setsockopt(SOL_SOCKET, socket.SO_LINGER, _LINGER.pack(int(value) >= 0, max(int(value), 0)))
