"""A socket that somebody left in repair mode, as it is known to the evidence, taken out of it."""

from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap, ImageDirectory, Socket
from workbench.repair.release import leave_repair, reuses_address


def wake(socket: Socket, image: ImageDirectory | None, evidence: Evidence) -> None:
    """Without a packet; every process that has it open must stand still. Raises WorkbenchError."""
    if not socket.holders:
        raise WorkbenchError(f"Nobody has {socket.connection} open through whom it could be reached", "look again")
    holder = socket.holders[0]  # whoever has it open: all share one description
    leave_repair(holder.pid, holder.fd, socket.inode, _reused_address(socket, image, evidence))


def _reused_address(socket: Socket, image: ImageDirectory | None, evidence: Evidence) -> bool:
    """SO_REUSEADDR, which repair mode overwrites: from the images, else as its listener has it (accept(2) inherits)."""
    for saved in image.sockets if image else ():
        if saved.connection.unmapped == socket.connection.unmapped and "SO_REUSEADDR" in saved.socket_options:
            return bool(saved.socket_options["SO_REUSEADDR"])
    for other in () if isinstance(evidence.sockets, Gap) else evidence.sockets:
        listens = other.netns == socket.netns and other.local.port == socket.local.port and not other.peer.port
        if listens and other.holders:
            return reuses_address(other.holders[0].pid, other.holders[0].fd, other.inode)
    return False
