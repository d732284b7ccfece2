"""The receive queue of a socket in use, looked at without a stop and without repair mode."""

import fcntl
import socket
import struct

from workbench.errors import WorkbenchError
from workbench.repair.constants import SIOCINQ, SO_PEEK_OFF


def peek_received(sock: socket.socket, limit: int) -> tuple[bytes, int]:
    """The first ``limit`` bytes that its owner will read next, and how many wait in all; nothing is taken out.

    A look may let out an acknowledgement that was owed anyway. Urgent data ends what can be seen. Raises
    WorkbenchError if the owner itself peeks by SO_PEEK_OFF, whose place a look would move, and if it is no
    TCP socket that has been connected.
    """
    try:
        place = sock.getsockopt(socket.SOL_SOCKET, SO_PEEK_OFF)
    except OSError:  # TCP has it since Linux 6.9
        place = -1
    if place >= 0:
        raise WorkbenchError(
            "The owner keeps a place in its receive queue (SO_PEEK_OFF), which a look would move",
            "read it while every process that holds the socket is stopped",
        )
    try:
        waiting = _waiting(sock)
        content = sock.recv(min(max(waiting, 1), limit), socket.MSG_PEEK | socket.MSG_DONTWAIT) if limit else b""
    except BlockingIOError:
        return b"", 0
    except OSError as error:
        raise WorkbenchError(f"The receive queue cannot be seen: {error.strerror}") from error
    # What came between the two calls is counted with the rest.
    return content, max(_waiting(sock), len(content))


def _waiting(sock: socket.socket) -> int:
    (count,) = struct.unpack("=i", fcntl.ioctl(sock.fileno(), SIOCINQ, bytes(4)))
    return max(int(count), 0)
