"""From evidence and an image directory to the plan of a restore."""

import ipaddress
from collections.abc import Sequence

from workbench.evidence import (
    Backend,
    Connection,
    Evidence,
    Gap,
    ImageDirectory,
    ImageSocket,
    Lock,
    LockScope,
    NetworkNamespace,
    Process,
    Socket,
    TcpState,
)
from workbench.operation import tree_obstacles as about
from workbench.operation.command_line import policy_option, typed
from workbench.operation.container import obstacles as engine_obstacles
from workbench.operation.container import runs
from workbench.operation.keepable import peer_warnings
from workbench.operation.lock_cost import SLOW_MS, expected_ms
from workbench.operation.note import Note
from workbench.operation.plan import Plan, SocketFate
from workbench.operation.request import LockMethod, Policy, RestoreRequest
from workbench.present.text import printable
from workbench.present.units import count

SECTIONS = frozenset({"processes", "sockets", "sequences", "rules", "locks", "network", "host"})
"""What of the live host a plan is made from."""
_GONE = {TcpState.TIME_WAIT, TcpState.LISTEN, TcpState.CLOSE}
"""A socket in one of these states is not in the way of a restored connection."""


def plan_restore(
    evidence: Evidence,
    image: ImageDirectory | Gap,
    request: RestoreRequest,
    note: Note | None = None,
    netns: NetworkNamespace | Gap | None = None,
) -> Plan:
    """All that a restore would do. ``netns``: the namespace that ``request.netns`` or the note names, None for our own.

    Never raises: what stands in the way is in ``obstacles``.
    """
    if isinstance(image, Gap):
        return _refused(request, f"{image.reason}; {image.remedy}" if image.remedy else image.reason)
    if not image.tasks:
        return _refused(request, f"{image.path} tells of no process: {_first(image.problems)}; dump again")
    return _Restore(evidence, image, request, note, netns).plan()


def _refused(request: RestoreRequest, obstacle: str) -> Plan:
    return Plan(
        kind="restore",
        request=request,
        title=f"Restore {printable(request.images)}",
        processes=(),
        sockets=(),
        connections=(),
        command=(),
        undo="",
        space_bytes=0,
        space_free_bytes=None,
        lock_cost_ms=None,
        obstacles=(obstacle,),
    )


class _Restore:
    """One plan in the making."""

    def __init__(
        self,
        evidence: Evidence,
        image: ImageDirectory,
        request: RestoreRequest,
        note: Note | None,
        netns: NetworkNamespace | Gap | None,
    ) -> None:
        self.evidence, self.image, self.request, self.note = evidence, image, request, note
        self.obstacles: list[str] = list(about.host_obstacles(evidence.host))
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.container = note.container if note else None
        if self.container is not None:
            self.obstacles.extend(engine_obstacles(self.container))
            if runs(self.container):
                self.obstacles.append(f"Container {printable(self.container.id)} is there: end and delete it first")
        self.netns = self._namespace(netns)
        self.policy = request.policy or (Policy.CLOSE if image.tcp_close else Policy.KEEP)
        self.connected = [each for each in image.sockets if each.connection.peer.port and each.state not in _GONE]

    def plan(self) -> Plan:
        image, root = self.image, self.image.tasks[0]
        kept = self.connected if self.policy is Policy.KEEP else []
        method = LockMethod(image.lock_method or "iptables")
        lock = method if kept and not image.tcp_close else LockMethod.SKIP
        cost = expected_ms(lock, len(kept))
        options = self._options()
        self._look_at_images()
        self._look_at_pids()
        self._look_at_addresses()
        self._look_at_tuples(kept)
        locked = self._look_at_locks(lock, kept)
        if cost is not None and cost >= SLOW_MS:
            self.warnings.append(
                f"The images were locked by {lock.value}: lifting that takes about {cost / 1000:.1f} s for"
                f" {len(kept)} connections"
            )
        if self.request.keep_peer and self.netns is not None:
            self.warnings.extend(peer_warnings([each.connection for each in kept], self.netns.inode, self.evidence))
        path = "" if self.netns is None or self.netns.is_host else self.netns.path
        name = f"{printable(root.command)} {root.pid}"
        if self.container is not None:
            name = f"container {printable(self.container.id)} ({printable(root.command)})"
        connections = f"{count(len(self.connected), 'connection')} {'kept' if self.policy is Policy.KEEP else 'closed'}"
        lock_words = self._lock_words(lock)
        return Plan(
            kind="restore",
            request=self.request,
            title=f"Restore {name}: {connections}, {lock_words}",
            processes=tuple(
                f"{task.pid}{f', {task.threads} threads' if task.threads > 1 else ''}: {printable(task.command)}"
                for task in image.tasks
            ),
            sockets=tuple(self._fate(each, locked) for each in image.sockets),
            connections=tuple(each.connection for each in kept),
            command=self._command(options, path),
            undo="Until the connections are unlocked, turning back ends the restored processes without a packet; lock"
            " and images stay, so that it can be repeated",
            space_bytes=image.size_bytes,
            space_free_bytes=None,
            lock_cost_ms=cost,
            notes=tuple(self.notes),
            warnings=tuple(self.warnings),
            obstacles=tuple(self.obstacles),
            options=options,
            netns=self.netns.inode if self.netns else 0,
            netns_path=path,
            root_pid=root.pid,
            command_name=root.command,
            image=image,
            container=self.container,
        )

    def _namespace(self, netns: NetworkNamespace | Gap | None) -> NetworkNamespace | None:
        if isinstance(netns, Gap):
            self.obstacles.append(f"{netns.reason}; {netns.remedy}")
            return None
        if netns is not None:
            return netns
        if self.note is None:
            self.notes.append("It is not known in which network namespace it was dumped; restored into this one")
        known = self.evidence.namespaces
        return None if isinstance(known, Gap) else next((each for each in known if each.is_host), None)

    def _options(self) -> dict[str, object]:
        dumped = self.note.options if self.note else {}
        carried = {name: True for name in ("file_locks", "shell_job", "ext_unix_sk") if dumped.get(name)}
        return {policy_option(self.policy): True, **carried}

    def _look_at_images(self) -> None:
        image = self.image
        if not image.complete:
            self.obstacles.append(f"The images are not complete ({_first(image.problems)}): dump again")
        else:
            self.warnings.extend(printable(problem) for problem in image.problems[:5])
        if image.tcp_close and self.policy is Policy.KEEP:
            self.obstacles.append("It was dumped with --tcp-close: its connections can only be restored closed")
        if image.dumps_netns and self.container is None:
            self.obstacles.append(
                "The network namespace itself is in these images: restore them as they were dumped, with criu by hand"
            )
        if self.note and self.note.terminal:
            self.obstacles.append(
                "A process had a terminal open: only `criu restore --shell-job` typed into a terminal can give it one"
            )
        for each in image.sockets:
            if each.problem and self.policy is Policy.KEEP:
                self.obstacles.append(f"{each.connection}: {printable(each.problem)}")

    def _look_at_pids(self) -> None:
        processes = self.evidence.processes
        if isinstance(processes, Gap) or self.container is not None:  # its pids are of a namespace of its own
            return
        groups = {each.pgid for each in processes.values()} | {each.sid for each in processes.values()}
        for task in self.image.tasks:
            there = processes.get(task.pid)
            if there is None:
                if task.pid in groups:
                    self.obstacles.append(
                        f"Pid {task.pid} is still the number of a process group or session: wait until its members end"
                    )
                continue
            if there.state in "ZX":
                self.notes.append(
                    f"Pid {there.pid} is a zombie that its parent {there.ppid} has not reaped yet: the restore waits"
                )
            else:
                self.obstacles.append(_taken(there, task.command))

    def _look_at_addresses(self) -> None:
        network = self.evidence.network
        if isinstance(network, Gap) or self.netns is None:
            return
        present = {
            ipaddress.ip_address(each.address.partition("%")[0])
            for each in network.addresses
            if each.netns == self.netns.inode
        }
        needed = {each.connection.unmapped.local.address for each in self.image.sockets if self.policy is Policy.KEEP}
        for address in sorted(needed):
            wanted = ipaddress.ip_address(address)
            if not wanted.is_unspecified and not wanted.is_loopback and wanted not in present:
                self.obstacles.append(
                    f"Address {address} is not on this host{self._where()}: add it first,"
                    f" `ip address add {address}/{wanted.max_prefixlen} dev INTERFACE`"
                )

    def _where(self) -> str:
        return "" if self.netns is None or self.netns.is_host else f" in {printable(self.netns.path)}"

    def _look_at_tuples(self, kept: Sequence[ImageSocket]) -> None:
        sockets = self.evidence.sockets
        if isinstance(sockets, Gap) or self.netns is None:
            return
        wanted = {each.connection.unmapped for each in kept}
        for there in sockets if wanted else ():
            if there.netns == self.netns.inode and there.state not in _GONE and there.connection.unmapped in wanted:
                self.obstacles.append(
                    f"{there.connection} is there already ({there.state.name}, {_owner(there)}): end that first"
                )

    def _look_at_locks(self, method: LockMethod, kept: Sequence[ImageSocket]) -> frozenset[Connection]:
        """Connections that a lock still protects."""
        locks = self.evidence.locks
        wanted = frozenset(each.connection for each in kept)
        if isinstance(locks, Gap) or self.netns is None:
            return wanted
        locked = protected(wanted, [each for each in locks if each.netns == self.netns.inode])
        missing = sorted(wanted - locked)
        if missing and method is not LockMethod.SKIP:
            self.warnings.append(
                f"The lock of {missing[0]}{f' and {len(missing) - 1} others' if missing[1:] else ''} is gone: if its"
                " peer sent anything since, it was answered with a reset and the connection is lost"
            )
        return locked

    def _lock_words(self, method: LockMethod) -> str:
        """What becomes of the lock: CRIU lifts it, but for iptables rules of single connections that it closes."""
        if self.policy is Policy.KEEP:
            return "no lock" if method is LockMethod.SKIP else f"{method.value} lock"
        wanted = frozenset(each.connection for each in self.connected)
        locks = () if isinstance(self.evidence.locks, Gap) else self.evidence.locks
        here = [each for each in locks if self.netns is not None and each.netns == self.netns.inode]
        if not protected(wanted, here):
            return "no lock"
        staying = [each for each in here if each.scope is LockScope.CONNECTION and each.backend is not Backend.NFTABLES]
        left = len(protected(wanted, staying))
        if not left:
            return "its lock is lifted"
        self.warnings.append(
            f"CRIU does not lift iptables rules of connections that it closes: those of {count(left, 'connection')}"
            " will stay, and their peers get no answer; `workbench locks --remove` takes them away afterwards"
        )
        return "its iptables lock stays"

    def _fate(self, each: ImageSocket, locked: frozenset[Connection]) -> SocketFate:
        title = f"{each.connection if each.connection.peer.port else each.connection.local} {each.state.name}"
        if each.problem:
            return SocketFate(None, title, printable(each.problem), blocks=self.policy is Policy.KEEP)
        if each.state is TcpState.LISTEN:
            return SocketFate(None, title, "restored listening")
        if each not in self.connected:
            return SocketFate(None, title, "restored without a peer")
        if self.policy is Policy.CLOSE:
            return SocketFate(None, title, "restored closed: the program reads its end", warning=True)
        queue = each.queue
        bytes_ = f" ({len(queue.received)} bytes unread, {len(queue.sent)} unacknowledged)" if queue else ""
        if each.connection in locked:
            return SocketFate(None, title, f"restored where it stopped{bytes_}; its lock still stands")
        return SocketFate(None, title, f"restored where it stopped{bytes_}; no lock protects it", warning=True)

    def _command(self, options: dict[str, object], netns_path: str) -> tuple[str, ...]:
        if self.container is None:
            return typed("restore", self._criu(), self.image.path, options, netns_path=netns_path)
        return self.container.command("restore", self.image.path, options)

    def _criu(self) -> str:
        host = self.evidence.host
        return host.criu.path if not isinstance(host, Gap) and host.criu else "criu"


def protected(connections: frozenset[Connection], locks: Sequence[Lock]) -> frozenset[Connection]:
    """Those of the connections that one of the locks holds back."""
    held = {end for lock in locks for each in lock.connections for end in (each, each.reversed)}
    whole = any(lock.scope is LockScope.NAMESPACE for lock in locks)
    return connections if whole else frozenset(each for each in connections if each.unmapped in held)


def _taken(there: Process, command: str) -> str:
    same = " (it was restored or never ended)" if there.command == command else ""
    return f"Pid {there.pid} is taken by {about.named(there)}{same}: end that process first"


def _owner(socket: Socket) -> str:
    return f"{printable(socket.command or '')} {socket.pid}" if socket.pid else "no process holds it"


def _first(problems: Sequence[str]) -> str:
    return printable(problems[0]) if problems else "no process in pstree.img"
