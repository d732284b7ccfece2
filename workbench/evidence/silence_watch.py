"""A connection at two moments, as evidence and events have it: what ``silence`` reasons about."""

import ipaddress
from collections.abc import Iterable

from workbench.evidence.event import Event
from workbench.evidence.evidence import Evidence
from workbench.evidence.gap import Gap
from workbench.evidence.lock_map import LockUse, map_locks
from workbench.evidence.network import Route
from workbench.evidence.sequences import Sequences
from workbench.evidence.silence import End, Watch
from workbench.evidence.socket import Connection, Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose

_UNCONNECTED = frozenset({TcpState.LISTEN, TcpState.CLOSE, TcpState.BOUND_INACTIVE})
_VIRTUAL = frozenset({"veth", "bridge", "macvlan", "ipvlan"})
"""Kinds of devices behind which another namespace of this host may be."""


def watch_of(
    connection: Connection, netns: int, first: Evidence, last: Evidence, events: Iterable[Event] = ()
) -> Watch | None:
    """What is known of this end and of the other; None if no socket has it any more."""
    wire = connection.unmapped
    ports = {wire.local.port, wire.peer.port}
    uses = () if isinstance(last.locks, Gap) else map_locks(last)
    ends = [
        _end(socket, first, last, uses)
        for socket in _sockets(last, Choice(local_ports=ports, peer_ports=ports))
        if socket.connection.unmapped in {wire, wire.reversed} and socket.state not in _UNCONNECTED
    ]
    own = next((end for end in ends if end.socket.connection.unmapped == wire and end.socket.netns == netns), None)
    if own is None:
        return None
    others = [end for end in ends if end.socket.connection.unmapped == wire.reversed]
    tracked = () if isinstance(last.conntrack, Gap) else last.conntrack
    return Watch(
        connection,
        netns,
        (last.monotonic_ns - first.monotonic_ns) / 1e9,
        own,
        others[0] if len(others) == 1 else None,
        not others and _is_here(connection, netns, last),
        tuple(event for event in events if event.connection in {wire, wire.reversed}),
        () if isinstance(last.rules, Gap) else last.rules,
        next((entry for entry in tracked
              if entry.netns == netns and {entry.connection, entry.connection.reversed} & {wire}), None),
        tuple(dict.fromkeys(gap.reason for gap in last.gaps)),
    )  # fmt: skip


def _end(socket: Socket, first: Evidence, last: Evidence, uses: tuple[LockUse, ...]) -> End:
    was = next(iter(_sockets(first, Choice(cookies={socket.cookie}))), socket)
    wire = socket.connection.unmapped
    lock = next(
        (use for use in uses
         if use.lock.netns == socket.netns
         and wire in {one.unmapped for one in (*use.connections, *(held.connection for held in use.sockets))}), None,
    )  # fmt: skip
    processes = {} if isinstance(last.processes, Gap) else last.processes
    owner = None if socket.pid is None else processes.get(socket.pid)
    return End(socket, _sequences(last, socket), was, _sequences(first, was), lock, owner)


def _sockets(evidence: Evidence, choice: Choice) -> Iterable[Socket]:
    return () if isinstance(evidence.sockets, Gap) else choose(evidence.sockets, choice)


def _sequences(evidence: Evidence, socket: Socket) -> Sequences | None:
    return None if isinstance(evidence.sequences, Gap) else evidence.sequences.get(socket.cookie)


def _is_here(connection: Connection, netns: int, evidence: Evidence) -> bool:
    """Whether the peer is a network namespace of this host: one has its address, and the way to it leads into one."""
    if isinstance(evidence.network, Gap):
        return False
    network, peer = evidence.network, connection.unmapped.peer.address
    homes = {address.netns for address in network.addresses if address.address == peer}
    if netns in homes or ipaddress.ip_address(peer).is_loopback:
        return True
    way = max(
        (route for route in network.routes if route.netns == netns and _leads(route, peer)),
        key=lambda route: (
            0 if route.destination == "default" else ipaddress.ip_network(route.destination, strict=False).prefixlen
        ),
        default=None,
    )
    kinds = {link.kind for link in network.links if way and link.netns == netns and link.name == way.interface}
    return bool(homes) and bool(kinds & _VIRTUAL)


def _leads(route: Route, address: str) -> bool:
    if route.destination == "default":
        return True
    return ipaddress.ip_address(address) in ipaddress.ip_network(route.destination, strict=False)
