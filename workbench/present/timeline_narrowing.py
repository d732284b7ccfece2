"""What the timeline is narrowed to, seen from where somebody asked for it."""

from workbench.evidence import Process, Socket
from workbench.evidence.selection import Selection
from workbench.operation.progress import Progress
from workbench.present.situation import UNCONNECTED, Situation
from workbench.present.text import printable
from workbench.present.timeline_rows import Narrowing


def of_socket(socket: Socket, situation: Situation) -> Narrowing:
    """A connection, both its ends, and rules where they are; of a socket without a peer its process."""
    if socket.state in UNCONNECTED:
        owner = None if socket.pid is None else situation.processes.get(socket.pid)
        if owner is not None:
            return of_process(owner, situation)
        return Narrowing(f"network namespace {situation.namespace_name(socket.netns)}", Selection(netns=[socket.netns]))
    ends = [end.netns for end in (socket, situation.peer_of(socket)) if end is not None]
    return Narrowing(printable(str(socket.connection)), Selection(connections=[socket.connection], around=ends))


def of_process(process: Process, situation: Situation) -> Narrowing:
    """A process with its children, and both ends of their connections."""
    pids = [each.pid for each in situation.tree(process.pid)]
    sockets = [socket for pid in pids for socket in situation.sockets_by_pid.get(pid, ())]
    connections = [socket.connection for socket in sockets if socket.state not in UNCONNECTED]
    around = {socket.netns for socket in sockets}
    return Narrowing(printable(f"process {process.command} {process.pid}"), Selection(pids, connections, around=around))


def of_operation(progress: Progress) -> Narrowing | None:
    """Connections of a dump or restore; None if it has none."""
    connections = [watched.connection for watched in progress.watched] or [
        proof.connection for proof in progress.proofs
    ]
    if not connections:
        return None
    others = f" and {len(connections) - 1} more" if len(connections) > 1 else ""
    return Narrowing(printable(f"{connections[0]}{others}"), Selection(connections=connections))
