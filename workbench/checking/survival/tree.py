"""The verdict on a whole process tree: each of its processes, sockets and descriptors."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from workbench.checking.survival.descriptors import MASTERS, descriptor_verdicts
from workbench.checking.survival.processes import process_verdicts
from workbench.checking.survival.sockets import Surroundings, socket_verdicts
from workbench.checking.survival.tcp import Around, tcp_verdicts
from workbench.checking.survival.verdict import Verdict
from workbench.checking.targets import dumped, dumped_processes
from workbench.evidence import BorrowedSocket, Descriptor, Evidence, Gap, Process, Sequences, Socket, TcpState

_HALF_OPEN = frozenset({TcpState.SYN_RECV, TcpState.NEW_SYN_RECV})


def verdicts(evidence: Evidence) -> tuple[Verdict, ...] | Gap:
    """Every judgement on the target of a dump; a Gap without a target, or where its processes cannot be seen."""
    target, processes = evidence.target, evidence.processes
    if isinstance(target, Gap):
        return target
    if isinstance(processes, Gap):
        return processes
    pids = dumped(target)
    if not pids:
        return Gap("target", "nothing is to be dumped")
    tree = sorted(dumped_processes(processes, target), key=lambda each: (each.ppid in pids, each.pid))
    return tuple(_Tree(evidence, tree, pids).verdicts()) if tree else Gap("processes", "the target has ended")


class _Tree:
    """What is known of one tree."""

    def __init__(self, evidence: Evidence, tree: Sequence[Process], pids: frozenset[int]) -> None:
        self.evidence, self.tree, self.pids = evidence, tree, pids
        self.descriptors: Sequence[Descriptor] = () if isinstance(evidence.descriptors, Gap) else evidence.descriptors
        self.borrowed: Mapping[int, BorrowedSocket] = {} if isinstance(evidence.borrowed, Gap) else evidence.borrowed
        self.sequences: Mapping[int, Sequences] = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
        self.inodes = frozenset(each.inode for each in self.descriptors if each.pid in pids and each.inode is not None)
        self.homes = {each.pid: each.namespaces.net for each in tree}
        self.sockets, self.half_open = self._sockets()

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
        own = [each for each in listed if any(holder.pid in self.pids for holder in each.holders)]
        if any(each.state is TcpState.LISTEN for each in own):
            half_open.update((each.netns, each.local.port) for each in listed if each.state in _HALF_OPEN)
        return own, half_open

    def _around(self, socket: Socket) -> Around:
        place = (socket.netns, socket.local.port)
        is_listening = socket.state is TcpState.LISTEN
        return Around(
            tree=self.pids,
            half_open=self.half_open[place] if is_listening else 0,
            addresses=self._addresses(socket.netns),
            borrowed=self.borrowed.get(socket.inode),
            sequences=self.sequences.get(socket.cookie),
        )

    def _surroundings(self, each: Descriptor) -> Surroundings:
        asked = self.borrowed.get(each.inode or 0)
        home = self.homes.get(each.pid)
        netns = asked.netns if asked is not None and asked.netns is not None else home
        return Surroundings(self.pids, home, self._addresses(netns), asked, self.inodes)

    def _addresses(self, netns: int | None) -> frozenset[str] | None:
        network = self.evidence.network
        if isinstance(network, Gap) or netns is None:
            return None
        found = frozenset(each.address.partition("%")[0] for each in network.addresses if each.netns == netns)
        return found or None
