"""Whether the situation that a scenario needs is reached, as the kernel tells it of the sockets at the dumped end."""

import time
from collections.abc import Iterator, Sequence

from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, Gap, NetworkNamespace, Socket
from workbench.lab.programs.arguments import endpoint
from workbench.lab.scenario import ServerProgram, Situation

PATIENCE_S = 15.0
LOOK_EVERY_S = 0.01
"""No event tells how full a queue of somebody else's socket is."""


def wait_until_reached(
    namespace: NetworkNamespace, server: ServerProgram, situation: Situation, connections: Sequence[Connection]
) -> None:
    """Look until every connection, or the listening socket where there is none, is as the situation wants it.

    Raises WorkbenchError with what is still amiss when patience ends.
    """
    diags = SockDiags()
    try:
        reader = SocketReader(diags)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            table, _ = reader.read((namespace,))
            if isinstance(table, Gap):
                raise WorkbenchError(f"the lab cannot see its sockets: {table.reason}", table.remedy)
            amiss = next(_amiss(table, server, situation, connections), "")
            if not amiss:
                return
            if time.monotonic() > deadline:
                raise WorkbenchError(f"the situation was not reached within {PATIENCE_S:.0f} s: {amiss}")
            time.sleep(LOOK_EVERY_S)
    finally:
        diags.close()


def unsent(socket: Socket) -> int:
    """Bytes in the send queue that were never sent."""
    return (socket.info.notsent_bytes or 0) if socket.info else 0


def _amiss(
    sockets: Sequence[Socket], server: ServerProgram, situation: Situation, connections: Sequence[Connection]
) -> Iterator[str]:
    """What is not yet as it should be, one sentence each."""
    if connections:
        found = {socket.connection.unmapped: socket for socket in sockets}
        wanted = [(str(connection), found.get(connection)) for connection in connections]
    else:
        own = Endpoint(*endpoint(server.listen))
        wanted = [(str(own), next((one for one in sockets if one.local == own and not one.peer.port), None))]
    for title, socket in wanted:
        if socket is None:
            yield f"{title} is not there"
            continue
        if socket.state is not situation.state:
            yield f"{title} is {socket.state.name}, not {situation.state.name}"
        if not connections:
            continue
        if server.accepts and not socket.inode:
            yield f"{title} is not accepted yet"
        amounts = (
            ("unread", socket.recv_q, situation.unread),
            ("in flight", socket.send_q - unsent(socket), situation.in_flight),
            ("unsent", unsent(socket), situation.unsent),
        )
        for name, amount, least in amounts:
            if amount < least:
                yield f"{title} has {amount} bytes {name}, not {least}"
