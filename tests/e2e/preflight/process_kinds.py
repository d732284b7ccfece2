"""Processes, and what they have open that is no socket."""

import ctypes
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tests.e2e.preflight.making import CLONE_NEWNET, LIBC, after_fork, called, kept, no_session, unshare

CLONE_NEWPID, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS = 0x20000000, 0x04000000, 0x08000000, 0x00020000
IO_URING_SETUP, BPF, PERF_EVENT_OPEN, USERFAULTFD = 425, 321, 298, 323  # on x86_64
MNT_DETACH, MS_REC, MS_PRIVATE = 2, 0x4000, 0x40000


def opened() -> IO[str]:
    """The file that the program was given, new."""
    return Path(sys.argv[2]).open("w")


def io_uring() -> list[Any]:
    return [called("syscall", IO_URING_SETUP, 4, ctypes.create_string_buffer(120))]


def flock() -> list[Any]:
    made = opened()
    fcntl.flock(made, fcntl.LOCK_EX)
    return [made]


def posix_lock() -> list[Any]:
    made = opened()
    after_fork.append(lambda: fcntl.lockf(made, fcntl.LOCK_EX))
    return [made]


def terminal() -> tuple[int, int]:
    """A pseudo terminal with lower numbers left free: whoever opens one until the restore does not take its number."""
    lower = [os.openpty() for _ in range(8)]
    made = os.openpty()
    for end in (end for pair in lower for end in pair):
        os.close(end)
    return made


def pty_inside() -> list[Any]:
    return list(terminal())


def pty_outside() -> list[Any]:
    master, slave = terminal()
    kept.append(master)
    return [slave]


def controlling_terminal() -> list[Any]:
    master, slave = terminal()
    kept.append(master)
    tty.setraw(slave)
    after_fork.append(lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))
    return [slave]


def pipe_inside() -> list[Any]:
    return list(os.pipe())


def pipe_outside() -> list[Any]:
    reader, writer = os.pipe()
    kept.append(writer)
    return [reader]


def deleted_file() -> list[Any]:
    made = opened()
    made.write("deleted")
    made.flush()
    Path(sys.argv[2]).unlink()
    return [made]


def events() -> list[Any]:

    return [os.eventfd(0), select.epoll()]


def large_deleted_file() -> list[Any]:
    made = deleted_file()
    made[0].write("x" * (2 << 20))
    made[0].flush()
    return made


def memory_file() -> list[Any]:
    return [os.memfd_create("x")]


def named_pipe() -> list[Any]:
    os.mkfifo(sys.argv[2])
    return [os.open(sys.argv[2], os.O_RDWR)]


def detached_mount() -> list[Any]:
    """A file on a file system that was unmounted while it was open."""
    directory = sys.argv[2].encode()
    Path(sys.argv[2]).mkdir()
    called("mount", b"tmpfs", directory, b"tmpfs", 0, None)
    made = os.open(directory + b"/file", os.O_RDWR | os.O_CREAT)
    called("umount2", directory, MNT_DETACH)
    return [made]


def bpf_program() -> list[Any]:
    from tests.e2e.preflight.tcp_kinds import loaded_bpf

    return [loaded_bpf()]


def perf_event() -> list[Any]:
    attributes = ctypes.create_string_buffer(struct.pack("=IIQ", 1, 128, 0).ljust(128, b"\0"), 128)
    return [called("syscall", PERF_EVENT_OPEN, attributes, 0, -1, -1, 0)]


def user_fault() -> list[Any]:
    return [called("syscall", USERFAULTFD, os.O_CLOEXEC | 1)]


def fuse_device() -> list[Any]:
    return [os.open("/dev/fuse", os.O_RDWR)]


def pidfd_inside() -> list[Any]:
    after_fork.append(lambda: os.pidfd_open(os.getpid()))
    return []


def pidfd() -> list[Any]:
    return [os.pidfd_open(os.getpid())]


def device() -> list[Any]:
    return [os.open("/dev/net/tun", os.O_RDWR)]


def kmsg() -> list[Any]:
    return [os.open("/dev/kmsg", os.O_RDONLY)]


def zombie() -> list[Any]:
    def fork() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.fork() == 0:
            os._exit(0)
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)

    after_fork.append(fork)
    return []


def child() -> list[Any]:
    after_fork.append(lambda: os.fork() and None)
    return []


def stopped_child() -> list[Any]:
    def fork() -> None:
        if (made := os.fork()) == 0:
            os.closerange(3, 64)
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os.waitid(os.P_PID, made, os.WSTOPPED | os.WNOWAIT)

    after_fork.append(fork)
    return []


def another_user() -> list[Any]:
    after_fork.append(lambda: os.setresuid(65534, 65534, 65534))
    return []


def own_pid_namespace() -> list[Any]:
    def fork() -> None:
        unshare(CLONE_NEWPID)
        if os.fork() == 0:
            while True:
                signal.pause()

    after_fork.append(fork)
    return []


def in_child(enter: Callable[[], Any]) -> list[Any]:
    """A child that lives elsewhere, and its parent, which waits until it does."""
    told, ready = os.pipe()

    def fork() -> None:
        if os.fork() == 0:
            enter()
            os.write(ready, b"!")
        else:
            os.read(told, 1)
        os.close(told)
        os.close(ready)

    after_fork.append(fork)
    return [told, ready]


def own_network_namespace() -> list[Any]:
    return in_child(lambda: unshare(CLONE_NEWNET))


def own_uts_namespace() -> list[Any]:
    return in_child(lambda: unshare(CLONE_NEWUTS))


def own_ipc_namespace() -> list[Any]:
    return in_child(lambda: unshare(CLONE_NEWIPC))


def own_mount_namespace() -> list[Any]:
    def enter() -> None:
        """Without the host's named network namespaces, which come and go."""
        unshare(CLONE_NEWNS)
        called("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for place in reversed([each for each in mounts if each.startswith(("/run/netns", "/var/run/netns"))]):
            LIBC.umount2(place.encode(), MNT_DETACH)

    return in_child(enter)


def alone_in_network_namespace() -> list[Any]:
    after_fork.append(lambda: unshare(CLONE_NEWNET))
    return []


def same_session() -> list[Any]:
    os.setsid()
    no_session.append(True)
    return []


def outer_session() -> list[Any]:
    unshare(CLONE_NEWPID)
    return same_session()


def nothing() -> list[Any]:
    return []
