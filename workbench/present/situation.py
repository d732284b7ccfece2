"""One moment of evidence with what its sections say about each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from workbench.evidence import Connection, Endpoint, Evidence, Gap, Process, Sequences, Socket, TcpState
from workbench.evidence.lock_map import LockUse, map_locks
from workbench.evidence.outlook import Outlook, TcpLimits, limits_of, outlook
from workbench.present.judgement import NOTHING_JUDGED, Judgement
from workbench.present.text import printable

UNCONNECTED = frozenset({TcpState.LISTEN, TcpState.CLOSE, TcpState.BOUND_INACTIVE})
"""States of sockets without a peer."""
HANDSHAKE = frozenset({TcpState.SYN_SENT, TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})
"""States in which the other end's numbers are not known yet."""

_Wire = tuple[str, int, str, int]
_MAPPED = "::ffff:"


class Situation:
    """Evidence, joined: made once a round; each join is made when it is first asked for, or all by ``join``."""

    def __init__(self, evidence: Evidence, judgement: Judgement = NOTHING_JUDGED) -> None:
        self.evidence = evidence
        self.judgement = judgement
        """What the checks said, of this moment or one shortly before."""

    def join(self) -> None:
        """Make every join now: a collector's thread has the time, the one that draws has not."""
        _ = self._locked_ports, self._by_wire, self.sockets_by_pid, self.children, self._namespace_names

    @cached_property
    def sockets(self) -> Sequence[Socket]:
        """All sockets; none if they could not be read."""
        return () if isinstance(self.evidence.sockets, Gap) else self.evidence.sockets

    @cached_property
    def processes(self) -> Mapping[int, Process]:
        return {} if isinstance(self.evidence.processes, Gap) else self.evidence.processes

    @cached_property
    def lock_uses(self) -> tuple[LockUse, ...]:
        """Every lock with what it belongs to."""
        return map_locks(self.evidence)

    @cached_property
    def _locked(self) -> Mapping[tuple[int, Connection], LockUse]:
        ends = (
            (use, end) for use in self.lock_uses for end in (*use.connections, *(s.connection for s in use.sockets))
        )
        return {(use.lock.netns, end.unmapped): use for use, end in ends}

    @cached_property
    def _locked_ports(self) -> frozenset[tuple[int, int]]:
        """Of very many sockets few are locked: their ports tell sooner than their addresses."""
        return frozenset((netns, connection.local.port) for netns, connection in self._locked)

    @cached_property
    def _by_wire(self) -> Mapping[_Wire, list[Socket]]:
        found = defaultdict(list)
        for socket in self.sockets:
            if socket.state not in UNCONNECTED:
                found[_wire(socket.local, socket.peer)].append(socket)
        return found

    @cached_property
    def sockets_by_pid(self) -> Mapping[int, list[Socket]]:
        found = defaultdict(list)
        for socket in self.sockets:
            for pid in {holder.pid for holder in socket.holders}:
                found[pid].append(socket)
        return found

    @cached_property
    def children(self) -> Mapping[int, list[Process]]:
        """By pid of the parent."""
        found = defaultdict(list)
        for process in self.processes.values():
            found[process.ppid].append(process)
        return found

    @cached_property
    def _namespace_names(self) -> Mapping[int, str]:
        if isinstance(self.evidence.namespaces, Gap):
            return {}
        names = {}
        for namespace in self.evidence.namespaces:
            if namespace.is_host:
                names[namespace.inode] = "host"
            elif namespace.names:
                names[namespace.inode] = printable(namespace.names[0])
        return names

    def namespace_name(self, netns: int | None) -> str:
        """What people call a network namespace: ``host``, its name under /run/netns, or its inode."""
        if netns is None:
            return "-"
        return self._namespace_names.get(netns, str(netns))

    def lock_of(self, socket: Socket) -> LockUse | None:
        """The lock that holds this end of a connection back."""
        if (socket.netns, socket.local.port) not in self._locked_ports:
            return None
        return self._locked.get((socket.netns, socket.connection.unmapped))

    def peer_of(self, socket: Socket) -> Socket | None:
        """The other end, when exactly one socket of this host can be it."""
        if socket.state in UNCONNECTED:
            return None
        others = self._by_wire.get(_wire(socket.peer, socket.local), [])
        return others[0] if len(others) == 1 else None

    def sequences_of(self, socket: Socket) -> Sequences | None:
        sequences = self.evidence.sequences
        return None if isinstance(sequences, Gap) else sequences.get(socket.cookie)

    def sysctl(self, name: str, netns: int) -> int | None:
        """A number of a namespace or of the whole machine; None where it was not read."""
        if isinstance(self.evidence.sysctls, Gap):
            return None
        for item in self.evidence.sysctls:
            if item.name == name and item.netns in {netns, None} and item.value.isdecimal():
                return int(item.value)
        return None

    def limits(self, netns: int) -> TcpLimits:
        """What a network namespace prescribes for how long TCP waits; Linux's defaults where it was not read."""
        if netns not in self._limits:
            sysctls = () if isinstance(self.evidence.sysctls, Gap) else self.evidence.sysctls
            self._limits[netns] = limits_of(sysctls, netns)
        return self._limits[netns]

    @cached_property
    def _limits(self) -> dict[int, TcpLimits]:
        return {}

    @cached_property
    def _hz(self) -> int | None:
        sequences = self.evidence.sequences
        if isinstance(sequences, Gap):
            return None
        works = (sequences[cookie].clockwork for cookie in sequences)
        return next((each.hz for each in works if each), None)

    def outlook_of(self, socket: Socket) -> Outlook:
        """What becomes of a socket if nothing more arrives for it."""
        return outlook(socket, self.sequences_of(socket), self.limits(socket.netns), self._hz)

    def tree(self, root: int) -> list[Process]:
        """A process and its descendants, parents first; empty if it is gone.

        Each once: somebody else's recording may have a process that is its own ancestor.
        """
        found = {root: self.processes[root]} if root in self.processes else {}
        waiting = [*found]
        while waiting:
            for child in self.children.get(waiting.pop(0), ()):
                if child.pid not in found:
                    found[child.pid] = child
                    waiting.append(child.pid)
        return [*found.values()]


def _wire(one: Endpoint, other: Endpoint) -> _Wire:
    """A connection as it is on the wire; with ``Connection.unmapped`` as the key it takes five times as long."""
    return (
        one.address.removeprefix(_MAPPED) if "." in one.address else one.address,
        one.port,
        other.address.removeprefix(_MAPPED) if "." in other.address else other.address,
        other.port,
    )
