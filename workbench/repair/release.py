"""A socket that somebody left in repair mode, taken out of it again."""

import socket

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint
from workbench.repair import constants as c
from workbench.repair.borrow import borrow


def in_repair(pid: int, fd: int, inode: int) -> Connection | None:
    """The connection behind a descriptor if it is in repair mode; None if not, or if it is no TCP socket.

    Raises WorkbenchError if it cannot be borrowed.
    """
    with borrow(pid, fd, inode) as sock:
        try:
            if not sock.getsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR):
                return None
            local, peer = sock.getsockname(), sock.getpeername()
        except OSError:  # another protocol, or closed meanwhile
            return None
    ends = (Endpoint(address[0].partition("%")[0], address[1]) for address in (local, peer))
    return Connection(*ends)


def leave_repair(pid: int, fd: int, inode: int, reuse_address: bool) -> None:
    """Take a socket out of repair mode without a packet, and give it back its SO_REUSEADDR, which the kernel clears.

    What its owner "sent" meanwhile counts as sent and is retransmitted. Raises WorkbenchError.
    """
    with borrow(pid, fd, inode) as sock:
        try:
            try:
                sock.setsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR, c.REPAIR_OFF_SILENT)
            except OSError:  # Linux < 4.19: with a window probe then
                sock.setsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR, c.REPAIR_OFF)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse_address))
        except OSError as error:
            raise WorkbenchError(
                f"Descriptor {fd} of process {pid} stays in repair mode: {error.strerror}", "run as root"
            ) from error


def reuses_address(pid: int, fd: int, inode: int) -> bool:
    """SO_REUSEADDR of a socket that is not in repair mode; False if it cannot be asked."""
    try:
        with borrow(pid, fd, inode) as sock:
            return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
    except (WorkbenchError, OSError):
        return False
