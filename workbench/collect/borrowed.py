"""Sockets of a process tree asked one by one through pidfd_getfd(2): what no list of the kernel tells.

Nothing is set, nothing is read out of a queue, and repair mode stays off: the owner does not notice.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from socket import IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, SOL_SOCKET

from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError
from workbench.evidence import BorrowedSocket, Descriptor, DescriptorKind, Gap, NetworkNamespace
from workbench.repair.borrow import borrow
from workbench.repair.constants import SIOCINQ
from workbench.repair.options import read_options

_SOCKETS = {
    DescriptorKind.TCP, DescriptorKind.UDP, DescriptorKind.UNIX, DescriptorKind.RAW, DescriptorKind.PACKET,
    DescriptorKind.NETLINK, DescriptorKind.SCTP, DescriptorKind.MPTCP, DescriptorKind.OTHER_SOCKET,
}  # fmt: skip
SIOCGSKNS, SO_GET_FILTER, SO_MEMINFO, TCP_AO_INFO = 0x894C, 26, 55, 40

# Besides those of ``read_options``; include/uapi: asm-generic/socket.h, linux/{tcp,in,in6,udp}.h.
_NUMBERS = {
    SOL_SOCKET: {
        "SO_TIMESTAMP": 29, "SO_TIMESTAMPNS": 35, "SO_TIMESTAMPING": 37, "SO_RXQ_OVFL": 40, "SO_PEEK_OFF": 42,
        "SO_LOCK_FILTER": 44, "SO_SELECT_ERR_QUEUE": 45, "SO_BUSY_POLL": 46, "SO_ZEROCOPY": 60,
        "SO_PREFER_BUSY_POLL": 69, "SO_RCVMARK": 75,
    },
    IPPROTO_TCP: {
        "TCP_DEFER_ACCEPT": 9, "TCP_THIN_LINEAR_TIMEOUTS": 16, "TCP_FASTOPEN": 23, "TCP_SAVE_SYN": 27,
        "TCP_FASTOPEN_CONNECT": 30, "TCP_FASTOPEN_NO_COOKIE": 34, "TCP_INQ": 36, "TCP_TX_DELAY": 37,
    },
    IPPROTO_IP: {
        "IP_PKTINFO": 8, "IP_MTU_DISCOVER": 10, "IP_RECVERR": 11, "IP_RECVTTL": 12, "IP_RECVTOS": 13, "IP_MINTTL": 21,
        "IP_BIND_ADDRESS_NO_PORT": 24, "IP_MULTICAST_TTL": 33, "IP_MULTICAST_LOOP": 34, "IP_UNICAST_IF": 50,
        "IP_LOCAL_PORT_RANGE": 51,
    },
    IPPROTO_IPV6: {
        "IPV6_UNICAST_HOPS": 16, "IPV6_MULTICAST_HOPS": 18, "IPV6_MULTICAST_LOOP": 19, "IPV6_MTU_DISCOVER": 23,
        "IPV6_RECVERR": 25, "IPV6_RECVPKTINFO": 49, "IPV6_DONTFRAG": 62, "IPV6_RECVTCLASS": 66,
        "IPV6_AUTOFLOWLABEL": 70, "IPV6_ADDR_PREFERENCES": 72, "IPV6_MINHOPCOUNT": 73, "IPV6_TRANSPARENT": 75,
        "IPV6_FREEBIND": 78,
    },
    IPPROTO_UDP: {"UDP_CORK": 1, "UDP_SEGMENT": 103, "UDP_GRO": 104},
}  # fmt: skip
_LIBC = ctypes.CDLL(None, use_errno=True)


def collect_borrowed(
    descriptors: Iterable[Descriptor], namespaces: Sequence[NetworkNamespace]
) -> tuple[Mapping[int, BorrowedSocket], tuple[Gap, ...]]:
    """Every socket among these descriptors, by inode, and a gap if some could not be asked."""
    paths = {each.inode: each.path for each in namespaces}
    new: dict[tuple[int | None, int, int, int], Mapping[str, int | str]] = {}
    found: dict[int, BorrowedSocket] = {}
    refused: list[str] = []
    for each in descriptors:
        if each.kind not in _SOCKETS or each.inode is None or each.inode in found:
            continue
        try:
            with borrow(each.pid, each.fd, each.inode) as taken:
                netns = _netns(taken)
                kind = (netns, int(taken.family), int(taken.type), taken.proto)
                if kind not in new:
                    new[kind] = _fresh(paths.get(netns or 0), *kind[1:])
                found[each.inode] = _ask(taken, each, netns, new[kind])
        except WorkbenchError as error:
            refused.append(error.message)
    if not refused:
        return found, ()
    more = f" and {len(refused) - 1} more" if refused[1:] else ""
    return found, (Gap("borrowed", f"{refused[0]}{more}", "run as root with CAP_SYS_PTRACE"),)


def read_all_options(sock: socket.socket) -> dict[str, int | str]:
    """Every option that ``BorrowedSocket`` has, of any socket."""
    values = dict(read_options(sock))
    for level, names in _NUMBERS.items():
        if level == IPPROTO_IPV6 and sock.family != socket.AF_INET6:
            continue
        for name, number in names.items():
            try:
                values[name] = sock.getsockopt(level, number)
            except OSError:  # this kernel or kind of socket lacks it
                continue
    with contextlib.suppress(OSError):  # unsigned long, all ones for no limit
        values["SO_MAX_PACING_RATE"] = int.from_bytes(sock.getsockopt(SOL_SOCKET, 47, 8), sys.byteorder)
    values |= _filters(sock)
    if _getsockopt(sock, IPPROTO_TCP, TCP_AO_INFO, 24)[0] == 0:
        values["TCP_AO"] = 1
    return values


def _ask(taken: socket.socket, each: Descriptor, netns: int | None, fresh: Mapping[str, int | str]) -> BorrowedSocket:
    poll = select.poll()
    poll.register(taken, select.POLLIN | select.POLLPRI)
    ready = sum(event for _, event in poll.poll(0))
    memory = None
    with contextlib.suppress(OSError):
        (memory,) = struct.unpack_from("=I", taken.getsockopt(SOL_SOCKET, SO_MEMINFO, 36))
    unread = None
    with contextlib.suppress(OSError):
        (unread,) = struct.unpack("=i", fcntl.ioctl(taken.fileno(), SIOCINQ, bytes(4)))
    listening = False
    with contextlib.suppress(OSError):
        listening = taken.getsockopt(SOL_SOCKET, socket.SO_ACCEPTCONN) != 0
    return BorrowedSocket(
        pid=each.pid,
        fd=each.fd,
        inode=each.inode or 0,
        family=int(taken.family),
        type=int(taken.type),
        protocol=taken.proto,
        netns=netns,
        listening=listening,
        readable=bool(ready & select.POLLIN),
        urgent=bool(ready & select.POLLPRI),
        unread=unread,
        local=_address(taken, taken.getsockname),
        peer=_address(taken, taken.getpeername),
        options=read_all_options(taken),
        fresh=fresh,
        unread_memory=memory,
    )


def _fresh(path: str | None, family: int, kind: int, protocol: int) -> Mapping[str, int | str]:
    """Options of a new socket; none where the namespace cannot be entered or the kind cannot be made."""
    if path is None or family not in {socket.AF_INET, socket.AF_INET6}:
        return {}
    try:
        with inside(path, partial(socket.socket, family, kind, protocol)) as made:
            return read_all_options(made)
    except OSError:
        return {}


def _netns(taken: socket.socket) -> int | None:
    """The namespace of the socket itself; asking needs CAP_NET_ADMIN in it."""
    try:
        descriptor = fcntl.ioctl(taken.fileno(), SIOCGSKNS)
    except OSError:
        return None
    try:
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def _address(taken: socket.socket, ask: object) -> str:
    assert callable(ask)
    try:
        found = ask()
    except OSError:  # ENOTCONN
        return ""
    if taken.family in {socket.AF_INET, socket.AF_INET6}:
        host, port = found[0], found[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(found, bytes):
        return "@" + found.removeprefix(b"\0").decode("utf-8", "surrogateescape")
    return found if isinstance(found, str) else " ".join(map(str, found))


def _filters(taken: socket.socket) -> dict[str, int | str]:
    """A classic filter by its length; one in eBPF has no text and answers EACCES (net/core/filter.c:sk_get_filter).

    The length is counted in instructions, so that a buffer would be overrun: none is given.
    """
    result, length = _getsockopt(taken, SOL_SOCKET, SO_GET_FILTER, 0)
    if result == errno.EACCES:
        return {"SO_ATTACH_BPF": 1}
    return {"SO_ATTACH_FILTER": length} if result == 0 and length else {}


def _getsockopt(taken: socket.socket, level: int, name: int, size: int) -> tuple[int, int]:
    """Error number, 0 for none, and the length that came back; the buffer is zeroed, as newer options demand."""
    buffer = ctypes.create_string_buffer(size) if size else None
    length = ctypes.c_uint32(size)
    if _LIBC.getsockopt(taken.fileno(), level, name, buffer, ctypes.byref(length)) != 0:
        return ctypes.get_errno(), 0
    return 0, length.value
