"""From evidence to the plan of a dump."""

from collections.abc import Sequence
from typing import Any

from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.tcp import is_connection
from workbench.checking.survival.tree import tree_verdicts
from workbench.collect.processes import tree as tree_of
from workbench.evidence import (
    Descriptor,
    Evidence,
    Gap,
    Lock,
    NetworkNamespace,
    Process,
    Socket,
)
from workbench.evidence.socket_choice import Choice, choose
from workbench.operation import tree_obstacles as about
from workbench.operation.command_line import lock_option, policy_option, typed
from workbench.operation.container import obstacles as engine_obstacles
from workbench.operation.container import settings
from workbench.operation.fates import socket_fates
from workbench.operation.keepable import peer_warnings
from workbench.operation.lock_cost import SLOW_MS, expected_ms
from workbench.operation.place import Place
from workbench.operation.plan import Plan, SocketFate
from workbench.operation.policies import advise, closings
from workbench.operation.request import DumpRequest, LockMethod, Policy
from workbench.present.text import printable

SECTIONS = frozenset(
    {"processes", "descriptors", "borrowed", "sockets", "sequences", "rules", "locks", "network", "host", "unfinished"}
)
"""What of the live host a plan is made from; descriptors of the tree of the target."""
_BESIDES_MEMORY = 2 << 20
"""Bytes that a small process's images take besides its resident memory."""
_PER_CONNECTION = 1 << 10


def plan_dump(evidence: Evidence, request: DumpRequest, place: Place, workbench: int) -> Plan:
    """All that a dump of ``request.pid`` would do; ``workbench`` is the pid of the workbench itself.

    Never raises: what stands in the way is in ``obstacles``.
    """
    processes = evidence.processes
    if isinstance(processes, Gap):
        return _refused(request, place, f"{processes.reason}; {processes.remedy}")
    refusal = about.refused_target(request.pid, processes, workbench)
    if refusal:
        return _refused(request, place, refusal)
    tree = [processes[pid] for pid in tree_of(processes, [request.pid])]
    if any(each.pid == workbench for each in tree):
        return _refused(request, place, "The workbench itself is part of this tree: it cannot dump itself")
    return _Dump(evidence, request, place, tree, processes.get(workbench)).plan()


def _refused(request: DumpRequest, place: Place, obstacle: str) -> Plan:
    return Plan(
        kind="dump",
        request=request,
        title=f"Dump process {request.pid}",
        processes=(),
        sockets=(),
        connections=(),
        command=(),
        undo="",
        space_bytes=0,
        space_free_bytes=place.free_bytes,
        lock_cost_ms=None,
        obstacles=(obstacle,),
        root_pid=request.pid,
    )


class _Dump:
    """One plan in the making."""

    def __init__(
        self, evidence: Evidence, request: DumpRequest, place: Place, tree: Sequence[Process], own: Process | None
    ) -> None:
        self.evidence, self.request, self.place = evidence, request, place
        self.tree, self.root = tree, tree[0]
        self.pids = frozenset(each.pid for each in tree)
        self.netns = self.root.namespaces.net or 0
        judged = tree_verdicts(evidence, self.pids, skip_in_flight=request.skip_in_flight)
        self.verdicts: tuple[Verdict, ...] = () if isinstance(judged, Gap) else judged
        self.container = request.container
        entering = about.tree_obstacles(self.root, own) if self.container is None else engine_obstacles(self.container)
        self.obstacles: list[str] = [*about.host_obstacles(evidence.host), *entering]
        self.warnings: list[str] = list(about.tree_warnings(tree, own)) if self.container is None else []
        self.notes: list[str] = list(about.tree_notes(tree))
        self.descriptors: tuple[Descriptor, ...] = self._section("descriptors")
        self.locks: tuple[Lock, ...] = self._section("locks")
        listed: tuple[Socket, ...] = self._section("sockets")
        self.sockets = list(choose(listed, Choice(pids=self.pids)))

    def plan(self) -> Plan:
        request, root = self.request, self.root
        options = self._options()
        fates = self._fates()
        connected = [each for each in self.sockets if is_connection(each)]
        kept = connected if request.policy is Policy.KEEP else []
        locked = request.lock if request.policy is Policy.KEEP else LockMethod.SKIP
        cost = expected_ms(locked, len(kept))
        space = self._space(len(kept))
        self._look_at_descriptors(options)
        self._look_at_lock(locked, len(kept), cost)
        self._look_at_place(space)
        path = self._look_at_namespace()
        self._look_at_unfinished()
        if request.keep_peer:
            self._look_at_peers(kept)
        ends = "runs on" if request.leave_running else "ends"
        return Plan(
            kind="dump",
            request=request,
            title=f"Dump {self._who()}: {_counted(len(connected), request.policy)}, {_lock_words(locked)}",
            processes=tuple(map(_process_line, self.tree)),
            sockets=tuple(fates),
            connections=tuple(each.connection for each in kept),
            advice=advise(self.evidence, connected, self.pids),
            closings=() if kept or not connected else closings(self.evidence, connected, self.pids),
            command=self._command(options, path),
            undo=f"Until the process {ends}, turning back lifts the lock and lets it run on as before;"
            f" afterwards: workbench restore -D {printable(self.place.path)}",
            space_bytes=space,
            space_free_bytes=self.place.free_bytes,
            lock_cost_ms=cost,
            notes=tuple(self.notes),
            warnings=tuple(self.warnings),
            obstacles=tuple(self.obstacles),
            options=options,
            netns=self.netns,
            netns_path=path,
            root_pid=root.pid,
            start_time=root.start_time,
            command_name=root.command,
            container=self.container,
        )

    def _section(self, name: str) -> tuple[Any, ...]:
        value = getattr(self.evidence, name)
        if isinstance(value, Gap):
            self.warnings.append(f"Not looked at: {name}, because {printable(value.reason)}")
            return ()
        if name == "sockets":  # the whole host's, lazily: only those of these namespaces are wanted
            namespaces = {each.namespaces.net for each in self.tree}
            return tuple(each for each in value if each.netns in namespaces)
        return tuple(value)

    def _options(self) -> dict[str, object]:
        """Fields of ``criu_opts``; what the request leaves open is decided by what is found."""
        request = self.request
        wanted: dict[str, object] = {
            "tcp_skip_in_flight": request.skip_in_flight,
            "leave_running": request.leave_running,
        }
        for each in self.verdicts:
            if each.answer is not Answer.NEEDS or each.option in {"", "--tcp-established"}:
                continue
            name, _, value = each.option.removeprefix("--").replace("-", "_").partition(" ")
            if getattr(request, name, None) is False:
                whose = (
                    f"descriptor {each.descriptor.fd}" if each.descriptor else about.named(each.process or self.root)
                )
                self.obstacles.append(f"{whose}: {printable(each.reason)}: CRIU needs {each.option} for that")
            elif value:
                wanted[name] = max(int(value), int(str(wanted.get(name, 0))))
            else:
                wanted[name] = True
        for name in ("file_locks", "shell_job", "ext_unix_sk"):
            wanted[name] = bool(getattr(request, name) or (wanted.get(name) and getattr(request, name) is None))
        lock = lock_option(request.lock) if request.policy is Policy.KEEP else {}
        flags = {name: value for name, value in wanted.items() if value}
        return {policy_option(request.policy): True, **lock, **flags}

    def _fates(self) -> list[SocketFate]:
        def held(socket: Socket) -> Lock | None:
            return next((lock for lock in self.locks if lock.netns == socket.netns and _holds(lock, socket)), None)

        fates = [*socket_fates(self.verdicts, self.request, held)]
        refused = [fate for fate in fates if fate.blocks]
        self.obstacles.extend(f"{fate.title}: {fate.fate}" for fate in refused[:10])
        if len(refused) > 10:
            self.obstacles.append(f"{len(refused) - 10} more sockets stand in the way")
        return fates

    def _look_at_descriptors(self, options: dict[str, object]) -> None:
        leave_running = self.request.leave_running
        self.obstacles.extend(about.verdict_obstacles(self.verdicts, leave_running=leave_running))
        self.warnings.extend(about.verdict_warnings(self.verdicts, leave_running=leave_running))
        self.warnings.extend(about.descriptor_warnings(self.descriptors))
        reasons = {
            "file_locks": "a file lock is held",
            "shell_job": "its session is led from outside of the tree, or it has a terminal",
            "ext_unix_sk": "a unix socket leads out of the tree",
            "ghost_limit": "a large file is deleted and still open",
        }
        for name, reason in reasons.items():
            if options.get(name) and getattr(self.request, name, None) is None:
                self.notes.append(f"--{name.replace('_', '-')} is added: {reason}")

    def _look_at_lock(self, method: LockMethod, connections: int, cost: float | None) -> None:
        if method is LockMethod.SKIP and connections:
            self.warnings.append(
                "Without a network lock a packet that comes in meanwhile resets its connection: use it only where"
                " something else holds both directions back"
            )
        if cost is not None and cost >= SLOW_MS:
            cheap = expected_ms(LockMethod.NFTABLES, connections) or 0.0
            better = f"; nftables takes about {cheap:.0f} ms" if method is LockMethod.IPTABLES else ""
            self.warnings.append(
                f"The {method.value} lock takes about {cost / 1000:.1f} s for {connections} connections, and every"
                f" process stands still meanwhile{better}"
            )
        features = self.evidence.host.features if not isinstance(self.evidence.host, Gap) else {}
        if method is LockMethod.NFTABLES and features.get("nft_tables") is False:
            self.obstacles.append("This kernel has no nftables: choose --lock iptables")

    def _look_at_place(self, space: int) -> None:
        free = self.place.free_bytes
        if self.place.problem:
            self.obstacles.append(self.place.problem)
        elif free is not None and free < space:
            self.obstacles.append(
                f"The images need about {space >> 20} MiB, but only {free >> 20} MiB are free at {self.place.path}:"
                " choose another image directory (-D)"
            )

    def _look_at_peers(self, kept: Sequence[Socket]) -> None:
        if not kept or self.request.leave_running:
            self.notes.append("No peer is to be kept: no connection stays locked")
        else:
            self.warnings.extend(peer_warnings([each.connection for each in kept], self.netns, self.evidence))

    def _look_at_namespace(self) -> str:
        """A path that enters the network namespace; empty if it is our own."""
        namespaces = self.evidence.namespaces
        found: NetworkNamespace | None = None
        if not isinstance(namespaces, Gap):
            found = next((each for each in namespaces if each.inode == self.netns), None)
        if about.lonely_namespace(found, self.pids) and not self.request.leave_running:
            self.obstacles.append(
                "Its network namespace ends with it, and a restore would have nowhere to go: give the namespace a name"
                f" first, `ip netns attach NAME {self.root.pid}`"
            )
        if found is not None and found.is_host:
            return ""
        return found.path if found is not None and found.names else f"/proc/{self.root.pid}/ns/net"

    def _look_at_unfinished(self) -> None:
        unfinished = self.evidence.unfinished
        if isinstance(unfinished, Gap):
            return
        for each in unfinished:
            if each.pid == self.root.pid:
                state = "is still under way" if each.workbench_alive or each.criu_alive else "was interrupted"
                way = "wait for it" if each.workbench_alive or each.criu_alive else "run `workbench recover` first"
                # Foremost: a task that is traced, sockets that CRIU holds and a lock that stands are its doing.
                self.obstacles.insert(0, f"A {each.kind} of process {each.pid} {state}: {way}")

    def _space(self, connections: int) -> int:
        memory = sum(each.rss_bytes or 0 for each in self.tree)
        queues = sum(each.recv_q + each.send_q for each in self.sockets if is_connection(each))
        return memory + queues + connections * _PER_CONNECTION + _BESIDES_MEMORY

    def _who(self) -> str:
        who = about.named(self.root)
        return f"container {printable(self.container.id)} ({who})" if self.container else who

    def _command(self, options: dict[str, object], netns_path: str) -> tuple[str, ...]:
        if self.container is None:
            return typed("dump", self._criu(), self.place.path, options, netns_path=netns_path, pid=self.root.pid)
        if lines := settings(self.container, options):
            self.notes.append(f"Typed by hand, it needs in /etc/criu/runc.conf: {'; '.join(lines)}")
        return self.container.command("dump", self.place.path, options)

    def _criu(self) -> str:
        host = self.evidence.host
        return host.criu.path if not isinstance(host, Gap) and host.criu else "criu"


def _holds(lock: Lock, socket: Socket) -> bool:
    wire = socket.connection.unmapped
    return wire in lock.connections or wire.reversed in lock.connections


def _process_line(process: Process) -> str:
    words = printable(" ".join(process.argv) or f"[{process.command}]", 120)
    threads = f", {process.threads} threads" if process.threads > 1 else ""
    return f"{process.pid} {printable(process.user)}{threads}: {words}"


def _counted(connections: int, policy: Policy) -> str:
    word = "kept" if policy is Policy.KEEP else "closed"
    return f"{connections} connection{'' if connections == 1 else 's'} {word}"


def _lock_words(method: LockMethod) -> str:
    return "no lock" if method is LockMethod.SKIP else f"{method.value} lock"
