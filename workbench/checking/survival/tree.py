"""The verdict on a whole process tree: each of its processes, sockets and descriptors."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from workbench.checking.standing_in import standing_in
from workbench.checking.survival.descriptors import MASTERS, descriptor_verdicts
from workbench.checking.survival.freeze import expected_freeze
from workbench.checking.survival.processes import process_verdicts
from workbench.checking.survival.sockets import Surroundings, socket_verdicts
from workbench.checking.survival.tcp import Around, is_connection, tcp_verdicts
from workbench.checking.survival.verdict import Verdict
from workbench.checking.survival.waiting import waits
from workbench.checking.targets import dumped
from workbench.evidence import (
    BorrowedSocket,
    Connection,
    ConntrackEntry,
    Descriptor,
    Endpoint,
    Evidence,
    Gap,
    Process,
    Sequences,
    Socket,
    TcpState,
)
from workbench.evidence.socket_choice import Choice, choose

_HALF_OPEN = frozenset({TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})


def verdicts(evidence: Evidence) -> tuple[Verdict, ...] | Gap:
    """Every judgement on the target of a dump; a Gap without a target, or where its processes cannot be seen."""
    target = evidence.target
    if isinstance(target, Gap):
        return target
    pids = dumped(target)
    return tree_verdicts(evidence, pids) if pids else Gap("target", "nothing is to be dumped")


def tree_verdicts(
    evidence: Evidence, pids: frozenset[int], *, skip_in_flight: bool = False
) -> tuple[Verdict, ...] | Gap:
    """Likewise on the processes with these pids. ``skip_in_flight``: that option is given to CRIU."""
    processes = evidence.processes
    if isinstance(processes, Gap):
        return processes
    tree = [processes[pid] for pid in sorted(pids) if pid in processes]
    tree.sort(key=lambda each: each.ppid in pids)
    if not tree:
        return Gap("processes", "the target has ended")
    return tuple(_Tree(evidence, tree, pids, skip_in_flight=skip_in_flight).verdicts())


class _Tree:
    """What is known of one tree."""

    def __init__(
        self, evidence: Evidence, tree: Sequence[Process], pids: frozenset[int], *, skip_in_flight: bool
    ) -> None:
        self.evidence, self.tree, self.pids, self.skip_in_flight = evidence, tree, pids, skip_in_flight
        self.descriptors: Sequence[Descriptor] = () if isinstance(evidence.descriptors, Gap) else evidence.descriptors
        self.borrowed: Mapping[int, BorrowedSocket] = {} if isinstance(evidence.borrowed, Gap) else evidence.borrowed
        self.sequences: Mapping[int, Sequences] = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
        self.inodes = frozenset(each.inode for each in self.descriptors if each.pid in pids and each.inode is not None)
        self.homes = {each.pid: each.namespaces.net for each in tree}
        self.sockets, self.half_open = self._sockets()
        everybodys = () if isinstance(evidence.sockets, Gap) else evidence.sockets
        self.standing_in = {own.cookie: others for own, others in standing_in(everybodys, pids)}
        self.addresses = self._addresses()
        self.led_to = self._led_to()
        connections = [each for each in self.sockets if is_connection(each)]
        self.freeze = expected_freeze(evidence.processes, pids, len(connections))
        self.waits = waits(evidence, connections, pids)

    def verdicts(self) -> Iterator[Verdict]:
        yield from process_verdicts(self.tree, self.evidence.host, self._own())
        seen: set[int] = set()
        for socket in self.sockets:
            seen.add(socket.inode)
            yield from tcp_verdicts(socket, self._around(socket))
        has_master = any(each.target in MASTERS for each in self.descriptors)
        for each in self.descriptors:
            if each.pid not in self.pids:
                continue
            yield from descriptor_verdicts(each, self.pids, has_master=has_master)
            if each.inode is None or each.inode not in seen:
                seen.update(() if each.inode is None else (each.inode,))
                yield from socket_verdicts(each, self._surroundings(each))

    def _own(self) -> Process | None:
        host, processes = self.evidence.host, self.evidence.processes
        if isinstance(host, Gap) or isinstance(processes, Gap) or host.workbench_pid is None:
            return None
        return processes.get(host.workbench_pid)

    def _sockets(self) -> tuple[list[Socket], Counter[tuple[int, int]]]:
        """The tree's own, and the number of handshakes in progress by namespace and local port."""
        half_open: Counter[tuple[int, int]] = Counter()
        listed = self.evidence.sockets
        if isinstance(listed, Gap):
            return [], half_open
        own = list(choose(listed, Choice(pids=self.pids)))
        if any(each.state is TcpState.LISTEN for each in own):
            half_open.update((each.netns, each.local.port) for each in choose(listed, Choice(states=_HALF_OPEN)))
        return own, half_open

    def _around(self, socket: Socket) -> Around:
        place = (socket.netns, socket.local.port)
        is_listening = socket.state is TcpState.LISTEN
        return Around(
            tree=self.pids,
            half_open=self.half_open[place] if is_listening else 0,
            standing_in=self.standing_in.get(socket.cookie, ()),
            addresses=self.addresses.get(socket.netns),
            borrowed=self.borrowed.get(socket.inode),
            sequences=self.sequences.get(socket.cookie),
            skip_in_flight=self.skip_in_flight,
            led_to=self.led_to.get((socket.netns, socket.connection.unmapped)),
            wait=self.waits.get(socket.inode),
            freeze=self.freeze,
        )

    def _surroundings(self, each: Descriptor) -> Surroundings:
        asked = self.borrowed.get(each.inode or 0)
        home = self.homes.get(each.pid)
        netns = asked.netns if asked is not None and asked.netns is not None else home
        return Surroundings(self.pids, home, self.addresses.get(netns or 0), asked, self.inodes)

    def _led_to(self) -> dict[tuple[int, Connection], Endpoint]:
        """Connections of this host's own that begin with one peer's address and go to another one."""
        tracked = self.evidence.conntrack
        wanted = {(each.netns, each.connection.unmapped) for each in self.sockets if each.peer.port}
        return {
            (each.netns, each.connection): each.reply.local
            for each in (() if isinstance(tracked, Gap) else tracked)
            if each.reply is not None and (each.netns, each.connection) in wanted and not self._is_here(each)
        }

    def _is_here(self, entry: ConntrackEntry) -> bool:
        """Answers have come or go to the same peer, or come from this namespace: then their address is the first."""
        assert entry.reply is not None
        same = entry.reply.local == entry.connection.peer
        return same or entry.reply.local.address in self.addresses.get(entry.netns, ())

    def _addresses(self) -> dict[int, frozenset[str]]:
        """By network namespace; one without any is not known."""
        network = self.evidence.network
        found: defaultdict[int, set[str]] = defaultdict(set)
        for each in () if isinstance(network, Gap) else network.addresses:
            found[each.netns].add(each.address.partition("%")[0])
        return {netns: frozenset(each) for netns, each in found.items()}
