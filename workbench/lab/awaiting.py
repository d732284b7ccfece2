"""What the course of a scenario can wait for: data, the states and counters of sockets, the end of connections."""

import time
from collections.abc import Callable, Sequence

from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, Socket, TcpState
from workbench.lab.lab import Lab
from workbench.lab.namespaces import Host

PATIENCE_S = 15.0
LOOK_EVERY_S = 0.01
"""No event tells how often somebody else's socket has retransmitted."""


def await_data(lab: Lab, *, count: int = 2048) -> None:
    """Wait until both ends have verified so many more bytes on each connection."""
    before = lab.talked()
    for was, now in zip(before, lab.await_verified(count, PATIENCE_S), strict=True):
        if now.problem or now.ended or now.verified < was.verified + 2 * count:
            raise WorkbenchError(f"{now.connection} did not go on: {now.problem or now.ended or 'nothing came'}")


def await_sockets(
    lab: Lab,
    *,
    host: str,
    count: int = 1,
    state: str = "",
    retransmits: int = 0,
    quiet_ms: int = 0,
    unread: int = 0,
    in_flight: int = 0,
) -> None:
    """Wait until so many sockets of a host are in this state, have retransmitted so often, heard nothing so long and
    have so many bytes in their queues."""
    where = lab.host_called(host)
    wanted = TcpState[state] if state else None

    def fits(socket: Socket) -> bool:
        if wanted is not None and socket.state is not wanted:
            return False
        quiet = socket.info.last_data_recv_ms if socket.info else 0
        queued = socket.recv_q >= unread and socket.send_q >= in_flight
        return bool(socket.peer.port) and socket.retransmits >= retransmits and quiet >= quiet_ms and queued

    def found(table: Sequence[Socket]) -> int:
        return sum(map(fits, table))

    _await(
        where,
        lambda table: found(table) >= count,
        lambda table: f"{found(table)} of {count} sockets of host {host} came to be as they should",
    )


def await_end(lab: Lab, *, host: str) -> None:
    """Wait until no connection of a host is left."""

    def living(table: Sequence[Socket]) -> int:
        return sum(bool(socket.peer.port) for socket in table)

    _await(
        lab.host_called(host),
        lambda table: not living(table),
        lambda table: f"{living(table)} connections of host {host} live on",
    )


def _await(host: Host, reached: Callable[[Sequence[Socket]], bool], amiss: Callable[[Sequence[Socket]], str]) -> None:
    """Look at the sockets of a host until they are as they should; raise WorkbenchError that says what is amiss."""
    diags = SockDiags()
    try:
        reader = SocketReader(diags)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            table, _ = reader.read((host.namespace,))
            seen: Sequence[Socket] = () if isinstance(table, Gap) else table
            if reached(seen):
                return
            if time.monotonic() > deadline:
                raise WorkbenchError(amiss(seen))
            time.sleep(LOOK_EVERY_S)
    finally:
        diags.close()


def await_flow(lab: Lab, *, host: str, acked: int = 0, received: int = 0) -> None:
    """Wait until on each connection of a host so many more bytes were acknowledged by the peer, and came from it."""
    where = lab.host_called(host)
    first: dict[Connection, tuple[int, int]] = {}

    def flows(table: Sequence[Socket]) -> bool:
        now = {
            socket.connection: (socket.info.bytes_acked or 0, socket.info.bytes_received or 0)
            for socket in table
            if socket.peer.port and socket.info
        }
        for connection, counts in now.items():
            first.setdefault(connection, counts)
        grown = [
            (mine - first[connection][0], theirs - first[connection][1]) for connection, (mine, theirs) in now.items()
        ]
        return bool(grown) and all(mine >= acked and theirs >= received for mine, theirs in grown)

    _await(where, flows, lambda table: f"nothing flows on the {len(table)} connections of host {host}")
