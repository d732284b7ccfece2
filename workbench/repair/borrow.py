"""A socket of another process, borrowed by pidfd_getfd(2)."""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.errors import WorkbenchError

_PIDFD_GETFD = 438  # the same number on every architecture


@contextmanager
def borrow(pid: int, fd: int, inode: int) -> Iterator[socket.socket]:
    """The socket behind a descriptor of another process, for as long as the context lasts.

    It is the same open file description: whatever is set on it is set for its owner. Never give it a timeout
    (that sets O_NONBLOCK for the owner) and never shut it down; closing ours, which happens at the end, is without
    effect on the owner. ``inode`` guards against a descriptor that was closed and opened anew in the meantime.
    Raises WorkbenchError if the process, the descriptor or the right to take it is missing (ptrace(2) access).
    """
    taken = _take(pid, fd)
    if os.fstat(taken).st_ino != inode:
        os.close(taken)
        raise WorkbenchError(f"Descriptor {fd} of process {pid} is another file by now", "look at the socket again")
    if socket.getdefaulttimeout() is not None:
        os.close(taken)
        raise RuntimeError("a default timeout would make the owner's socket non-blocking")
    with socket.socket(fileno=taken) as borrowed:
        yield borrowed


def _take(pid: int, fd: int) -> int:
    try:
        process = os.pidfd_open(pid)
    except (OSError, OverflowError) as error:
        raise WorkbenchError(f"There is no process {pid} (any more)", "look at the processes again") from error
    try:
        taken: int = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, fd, 0)
        if taken < 0:
            reason = os.strerror(ctypes.get_errno())
            raise WorkbenchError(
                f"Descriptor {fd} of process {pid} cannot be borrowed: {reason}",
                "this needs root (CAP_SYS_PTRACE) and a process that still has the descriptor open",
            )
        return taken
    finally:
        os.close(process)
