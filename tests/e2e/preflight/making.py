"""What kinds of subjects are made of: namespaces, connections, lost packets; imported by the program alone."""

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from typing import Any

CLONE_NEWNET = 0x40000000
DEVICE, OTHER_DEVICE = "wb0", "wb1"
"""Both ends of a cable."""
TCP_SYN_RECV, TCP_FIN_WAIT2, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING = 3, 5, 7, 8, 11
ADDRESSES = ("10.9.9.1/24", "fd00:9::1/64", "fe80::9/64", "fd99::ffff:a63:102/64")
SMALL = 4096
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, SEND_QUEUE = 19, 20, 21, 2
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
TIMEOUT_S = 20

LIBC = ctypes.CDLL(None, use_errno=True)
peers: list[socket.socket] = []
"""Other ends, which stay with the program; a byte can be sent over each."""
deaf: list[socket.socket] = []
"""Peers at which nothing arrives."""
lifted: list[Callable[[], Any]] = []
"""What is put right before a peer is used again."""
kept: list[Any] = []
"""What must stay open there besides."""
after_fork: list[Callable[[], Any]] = []
"""What the process that is dumped does before it is ready."""
no_session: list[bool] = []
"""Not empty: it stays in the session of the program."""


def called(name: str, *arguments: Any) -> int:
    """Result of a function of the C library; OSError if it is negative."""
    result: int = getattr(LIBC, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def unshare(flags: int) -> None:
    called("unshare", flags)


def enter_namespace() -> None:
    unshare(CLONE_NEWNET)
    lines = [
        "link set lo up",
        f"link add {DEVICE} type veth peer name {OTHER_DEVICE}",
        f"link set {DEVICE} up",
        f"link set {OTHER_DEVICE} up",
    ]
    lines += [f"address add {each} dev {DEVICE} {'nodad' if ':' in each else ''}" for each in ADDRESSES]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True, timeout=20)


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def place(address: str, port: int = 0) -> tuple[Any, ...]:
    """A socket address; link-local ones with their device."""
    if address.startswith("fe80"):
        return (address, port, 0, socket.if_nametoindex(DEVICE))
    return (address, port)


def listening(address: str = "127.0.0.1", protocol: int = 0, backlog: int = 16) -> socket.socket:
    made = socket.socket(family_of(address), socket.SOCK_STREAM, protocol)
    made.bind(place(address))
    made.listen(backlog)
    return made


def connected(
    address: str = "127.0.0.1", to: str | None = None, protocol: int = 0, prepare: Callable[[Any], None] | None = None
) -> tuple[socket.socket, socket.socket]:
    """The subject's end, which connected, and the peer's, which accepted."""
    listener = listening(address, protocol)
    if prepare:
        prepare(listener)
    ours = socket.socket(family_of(to or address), socket.SOCK_STREAM, protocol)
    if prepare:
        prepare(ours)
    ours.connect(place(to or address, listener.getsockname()[1]))
    theirs, _ = listener.accept()
    listener.close()
    return ours, theirs


def pair(*arguments: Any, **keywords: Any) -> list[socket.socket]:
    ours, theirs = connected(*arguments, **keywords)
    peers.append(theirs)
    return [ours]


def drop(*match: object) -> None:
    """Let the kernel drop what matches, from now on."""
    rules = ["add table inet t", "add chain inet t c { type filter hook input priority 0; }",
             f"add rule inet t c {' '.join(map(str, match))} drop"]  # fmt: skip
    subprocess.run(["nft", "-f", "-"], input="\n".join(rules) + "\n", text=True, check=True, timeout=20)


def drop_no_more() -> None:
    subprocess.run(["nft", "delete table inet t"], check=True, timeout=TIMEOUT_S)


def reaches(end: socket.socket, state: int) -> None:
    """Wait until the kernel has it there: what was sent, also on loopback, arrives in its own time."""
    deadline = time.monotonic() + TIMEOUT_S
    while end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def delivered(end: socket.socket) -> None:
    """Wait until the other end has all that was sent."""
    deadline = time.monotonic() + TIMEOUT_S
    while struct.unpack("i", fcntl.ioctl(end, termios.TIOCOUTQ, b"\0" * 4))[0]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def readable(end: socket.socket) -> None:
    """Wait until something has arrived."""
    assert select.select([end], [], [], TIMEOUT_S)[0]


def next_sequence(end: socket.socket) -> int:
    """Of the next byte that an idle end of ours will send."""
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, SEND_QUEUE)
    number = end.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ)
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
    return number % (1 << 32)


def cut(ours: socket.socket, theirs: socket.socket) -> None:
    """From now on nothing of ours arrives."""
    drop("tcp sport", ours.getsockname()[1])
    kept.append(theirs)


def fill(end: socket.socket) -> None:
    """Write until the kernel takes no more."""
    end.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            end.send(b"u" * 65536)
    end.setblocking(True)


def attach_filter(end: socket.socket, length: int) -> None:
    """A classic BPF program that lets ``length`` bytes of each packet through; 0: the kernel drops what comes."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, length))
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", 1, ctypes.addressof(program)))


def deafen(end: socket.socket) -> None:
    """Let nothing arrive at a peer until it is used."""
    attach_filter(end, 0)
    peers.append(end)
    deaf.append(end)


def listen_again() -> None:
    while deaf:
        deaf.pop().setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    while lifted:
        lifted.pop()()


def reset(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def to_device(made: socket.socket) -> None:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, DEVICE.encode())


def elsewhere(make: Callable[[], list[Any]]) -> list[Any]:
    """What is made in another network namespace, which nothing but this process keeps alive."""
    unshare(CLONE_NEWNET)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=20)
    kept.append(os.open("/proc/self/ns/net", os.O_RDONLY))
    return make()
