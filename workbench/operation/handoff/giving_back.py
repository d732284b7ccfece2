"""A connection put back into the descriptor that it was taken out of, and its address to its interface."""

import socket

from workbench.collect.namespaces import inside
from workbench.evidence import NetworkNamespace, TcpState
from workbench.evidence.state import State
from workbench.operation.migration.addresses import MovingAddress, announce_all, give, take_away
from workbench.repair.restore import restore


def is_empty(sock: socket.socket) -> bool:
    """Whether the connection has left the socket."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TcpState.CLOSE


def give_back(sock: socket.socket, state: State, netns_path: str) -> None:
    """Fill it again if the connection has left it; in repair mode either way. Raises WorkbenchError."""
    if is_empty(sock):
        inside(netns_path, lambda: restore(state, into=sock))


def bring_back(
    leaves: MovingAddress, netns: NetworkNamespace, arrives: MovingAddress, target: NetworkNamespace
) -> None:
    """Undo that an address went along, however far that had come. Raises WorkbenchError."""
    take_away((arrives,), target)
    give((leaves,), netns)
    announce_all((leaves,), netns)
