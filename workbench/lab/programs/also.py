"""What a server may have beside its connections: things that CRIU refuses, or needs an option for."""

import ctypes
import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable

from workbench.lab.programs.states import every_state

_IPPROTO_MPTCP = 262
_IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE, _UDP_GRO = 10, 3, 104
_IO_URING_SETUP = 425  # the same number on every architecture
_PTRACE_TRACEME = 0
_CLONE_NEWUSER = 0x10000000


def open_thing(name: str) -> object:
    """Open one of ``THINGS`` by its name; it is there as long as the process is."""
    return THINGS[name]()


def _multipath_listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, _IPPROTO_MPTCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def _shared_listener() -> socket.socket:
    """On one port with another process, which is none of the tree."""
    ours = socket.create_server(("127.0.0.1", 0), reuse_port=True)
    theirs = socket.create_server(ours.getsockname(), reuse_port=True)
    _give_away(theirs.detach(), ours.fileno())
    return ours


def _transport() -> socket.socket:
    """A UDP socket as a QUIC library sets it up: never cut, with ECN marks, in batches."""
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for level, option, value in (
        (socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE),
        (socket.IPPROTO_IP, socket.IP_RECVTOS, 1),
        (socket.IPPROTO_UDP, _UDP_GRO, 1),
    ):
        datagrams.setsockopt(level, option, value)
    datagrams.bind(("127.0.0.1", 0))
    return datagrams


def _vsock() -> socket.socket:
    return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)


def _locked_file() -> int:
    """This very file: nothing is left behind."""
    opened = os.open(__file__, os.O_RDONLY)
    fcntl.flock(opened, fcntl.LOCK_SH)
    return opened


def _io_uring() -> int:
    parameters = (ctypes.c_uint32 * 30)()
    ring: int = ctypes.CDLL(None).syscall(_IO_URING_SETUP, 4, ctypes.byref(parameters))
    return ring


def _device() -> int:
    """One that every kernel has; opening it does nothing."""
    return os.open("/dev/cpu_dma_latency", os.O_RDONLY)


def _terminal() -> int:
    master, slave = os.openpty()
    _give_away(master, slave)
    return slave


def _unix_peer() -> socket.socket:
    ours, theirs = socket.socketpair()
    _give_away(theirs.detach(), ours.fileno())
    return ours


def _give_away(descriptor: int, *others: int) -> None:
    """To a process outside of the tree, which keeps it open."""
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.setsid()
            for other in others:
                os.close(other)
            signal.pause()
        os._exit(0)
    os.waitpid(child, 0)
    os.close(descriptor)


def _traced_child() -> None:
    """Stopped by its parent, which traces it."""

    def be_traced() -> None:
        ctypes.CDLL(None).ptrace(_PTRACE_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)

    child = _child(be_traced)
    os.waitpid(child, os.WUNTRACED)


def _child_in_namespace() -> None:
    """Of users: one that root may always make."""
    reading, writing = os.pipe()

    def unshare() -> None:
        os.close(reading)
        ctypes.CDLL(None).unshare(_CLONE_NEWUSER)
        os.close(writing)

    _child(unshare)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)


def _child(begin: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        begin()
        while True:
            time.sleep(3600)
    return child


def _conversation_with_itself() -> list[socket.socket]:
    """Both ends of a connection over the loopback device, with bytes that nobody has read yet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        calling = socket.create_connection(listener.getsockname())
        called, _ = listener.accept()
    calling.sendall(b"said to oneself, " * 64)
    return [calling, called]


def _memory() -> bytearray:
    """A quarter of a gibibyte, every page different from all others."""
    held = bytearray(256 << 20)
    for start in range(0, len(held), 4096):
        held[start : start + 8] = (start * 2654435761 + 1).to_bytes(8, "big")
    return held


THINGS: dict[str, Callable[[], object]] = {
    "conversation with itself": _conversation_with_itself,
    "socket in every state": every_state,
    "256 MiB of memory": _memory,
    "multipath listener": _multipath_listener,
    "shared listener": _shared_listener,
    "transport over datagrams": _transport,
    "vsock": _vsock,
    "locked file": _locked_file,
    "io_uring": _io_uring,
    "device": _device,
    "terminal": _terminal,
    "unix peer": _unix_peer,
    "traced child": _traced_child,
    "child in a user namespace": _child_in_namespace,
}
