"""What is seen of an operation's connections, again and again while it runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.collect.held import HeldPackets
from workbench.collect.live import EVERY_SECOND, LiveSource
from workbench.collect.socket_table import SocketTable
from workbench.evidence import Connection, Evidence, Gap, Lock, LockScope, Socket, Sysctl
from workbench.evidence.outlook import limits_of
from workbench.operation.progress import End
from workbench.operation.proof import After

QUICK = 3000
"""Sockets of the host."""
_SECTIONS = EVERY_SECOND - {"processes"}


@dataclass(frozen=True, slots=True)
class Sample:
    """The connections of an operation at one moment, each seen from the dumped end."""

    ours: Mapping[Connection, End]
    peers: Mapping[Connection, End] = field(default_factory=dict)
    """Other ends that are on this host."""
    locks: tuple[Lock, ...] = ()
    """Locks that concern the operation."""

    def after(self, connection: Connection) -> After:
        """As the proof wants it."""
        wire = connection.unmapped
        locks = tuple(lock for lock in self.locks if concerns(lock, frozenset({wire})))
        return After(self.ours.get(connection, End(None)), self.peers.get(connection), locks)


class Sampler:
    """Looks at the connections of one operation; one thread at a time."""

    def __init__(self, connections: Iterable[Connection], netns: int) -> None:
        self._connections = {each.unmapped: each for each in connections}
        self._netns = netns
        self._source = LiveSource(_SECTIONS)
        ports = {port for each in self._connections for port in (each.local.port, each.peer.port)}
        self._ports = np.array(sorted(ports), np.int64)
        self._held = HeldPackets(self._connections, netns)
        if self._connections:
            self._held.start()  # where it cannot, only the packets of an nftables lock go uncounted
        self._sysctls: tuple[Sysctl, ...] = ()
        self.run_id = ""
        """CRIU's run id, as soon as it is known: its table is recognised by that."""
        self.evidence: Evidence | None = None
        """What was seen last, whole."""

    @property
    def is_quick(self) -> bool:
        """Whether a look takes some 10 ms: connections may be kept locked for it, though nobody asked."""
        sockets = () if self.evidence is None or isinstance(self.evidence.sockets, Gap) else self.evidence.sockets
        return len(sockets) < QUICK

    def look(self) -> Sample:
        """One look, some 10 ms. What cannot be read is missing from it."""
        self.evidence = self._source.evidence(_SECTIONS if self._sysctls else _SECTIONS | {"sysctls"})
        if not isinstance(self.evidence.sysctls, Gap):
            self._sysctls = self.evidence.sysctls
        return self.of(self.evidence)

    def of(self, evidence: Evidence) -> Sample:
        ours: dict[Connection, End] = {}
        peers: dict[Connection, End] = {}
        for socket in self._listed(evidence.sockets):
            wire = socket.connection.unmapped
            sequences = None if isinstance(evidence.sequences, Gap) else evidence.sequences.get(socket.cookie)
            if wire in self._connections and socket.netns == self._netns:
                ours[self._connections[wire]] = End(socket, sequences)
            elif wire.reversed in self._connections:
                peers[self._connections[wire.reversed]] = End(socket, sequences, limits_of(self._sysctls, socket.netns))
        for wire, connection in self._connections.items():  # both ends may be ours
            if (other := self._connections.get(wire.reversed)) in ours:
                peers.setdefault(connection, ours[other])
        return Sample(ours, peers, self._locks(evidence.locks))

    def _listed(self, sockets: Sequence[Socket] | Gap) -> Iterator[Socket]:
        """Those with a port of ours at both ends, unless they are listening."""
        if isinstance(sockets, Gap) or not len(self._ports):
            return
        if isinstance(sockets, SocketTable):
            wanted = np.isin(sockets.column("local_port"), self._ports)
            wanted &= np.isin(sockets.column("peer_port"), self._ports)
            yield from (sockets[int(index)] for index in np.flatnonzero(wanted))
        else:
            yield from sockets

    def _locks(self, locks: Sequence[Lock] | Gap) -> tuple[Lock, ...]:
        if isinstance(locks, Gap):
            return ()
        wires = frozenset(self._connections)
        return tuple(
            self._counted(_seen_from(lock, wires))
            for lock in locks
            if lock.netns == self._netns and (concerns(lock, wires) or is_of_run(lock, self.run_id))
        )

    def _counted(self, lock: Lock) -> Lock:
        """The lock with the packets that it held back since this operation began, where its rules do not count."""
        if lock.packets is not None:
            return lock
        return replace(lock, packets=self._held.held(lock.connections or self._connections))

    def close(self) -> None:
        self._source.close()
        self._held.close()


def concerns(lock: Lock, wires: frozenset[Connection]) -> bool:
    """Whether a lock holds one of these connections back (IPv4-mapped addresses written as IPv4)."""
    if lock.scope is LockScope.NAMESPACE:
        return True
    return any(each in wires or each.reversed in wires for each in lock.connections)


def _seen_from(lock: Lock, wires: frozenset[Connection]) -> Lock:
    """The lock with its connections seen from our end: a set of nftables holds both directions alike."""
    turned = tuple(each.reversed if each.reversed in wires else each for each in lock.connections)
    return lock if turned == lock.connections else replace(lock, connections=turned)


def is_of_run(lock: Lock, run_id: str | None) -> bool:
    """Whether a lock's table bears the run id of this dump."""
    return bool(lock.run_id_prefix and run_id and run_id.startswith(lock.run_id_prefix))
