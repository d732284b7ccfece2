"""A hand-off planned from a look at this host; nothing is touched by it."""

import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from workbench.collect.live import LiveSource
from workbench.collect.namespaces import collect_namespaces
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Evidence, Gap, NetworkNamespace, Process, Socket
from workbench.evidence.socket_choice import Choice, choose
from workbench.evidence.state import MOVABLE
from workbench.operation.handoff.plan import OLD_OWNER_SEES, HandoffPlan, HandoffRequest
from workbench.operation.journal import entries
from workbench.operation.migration.addresses import MovingAddress, interface_for, lost_with
from workbench.operation.tree_obstacles import ancestors
from workbench.present.text import printable
from workbench.read.state_file import read_state
from workbench.repair.borrow import borrow
from workbench.repair.export import refusal

SECTIONS = frozenset({"sockets", "processes", "network", "sequences"})
KIND = "handoff"
"""Kind of the operation in the journal."""
IN_FILE = "in the file"
"""Its transition when the connection was taken out into a file, on purpose."""


def prepare_handoff(request: HandoffRequest) -> HandoffPlan:
    """Look at this host and plan; some 50 ms. Never raises for what stands in the way: see ``obstacles``."""
    source = LiveSource(SECTIONS)
    try:
        evidence = source.evidence()
    finally:
        source.close()
    try:
        target = find_namespace(request.netns) if request.netns is not None else None
        if request.state_file:
            plan = _from_file(request, evidence, target)
        else:
            plan = _from_socket(request, evidence, _chosen(request, evidence), target)
    except WorkbenchError as error:
        return HandoffPlan(request, "Hand-off", obstacles=(str(error),))
    plan = _with_address(plan, evidence)
    return replace(plan, obstacles=(*plan.obstacles, *_place_obstacles(plan, evidence)))


def find_namespace(word: str) -> NetworkNamespace:
    """By its name (``ip netns``) or a path to it. Raises WorkbenchError."""
    paths = (Path(word),) if "/" in word else (Path("/run/netns", word), Path("/var/run/netns", word))
    for path in paths:
        try:
            return NetworkNamespace(path.stat().st_ino, str(path))
        except OSError:
            continue
    raise WorkbenchError(f"There is no network namespace {word}", "`ip netns` lists the names, /proc/PID/ns/net is one")


def _chosen(request: HandoffRequest, evidence: Evidence) -> Socket:
    if isinstance(evidence.sockets, Gap):
        raise WorkbenchError(f"Sockets cannot be seen: {evidence.sockets.reason}", evidence.sockets.remedy)
    if request.connection is None:
        holder = (request.pid, request.fd)
        found = [each for each in evidence.sockets if holder in {(held.pid, held.fd) for held in each.holders}]
        if not found and not isinstance(evidence.processes, Gap) and request.pid not in evidence.processes:
            raise WorkbenchError(f"There is no process {request.pid}", "`workbench sockets` lists who holds what")
        if not found:
            raise WorkbenchError(f"Descriptor {request.fd} of process {request.pid} is no TCP socket")
        return found[0]
    wanted = request.connection.unmapped
    ends = [each for each in evidence.sockets if each.holders and each.connection.unmapped == wanted]
    if len(ends) > 1:
        raise WorkbenchError(f"{wanted} is there in {len(ends)} network namespaces", "name it by PID and FD")
    if not ends:
        raise WorkbenchError(f"No process here holds {wanted}", "write it from its own end: LOCAL-PEER")
    return ends[0]


def _from_socket(
    request: HandoffRequest, evidence: Evidence, socket: Socket, target: NetworkNamespace | None
) -> HandoffPlan:
    netns = _namespace(evidence, socket.netns)
    target = target or netns
    processes = {} if isinstance(evidence.processes, Gap) else evidence.processes
    owner = socket.holders[0]
    title = f"Hand-off of {socket.connection}, {socket.state.name}, of {owner.command} {owner.pid}: {_goal(request)}"
    return HandoffPlan(
        request=request,
        title=printable(title),
        connection=socket.connection,
        state=socket.state,
        holders=socket.holders,
        inode=socket.inode,
        netns=netns,
        target=target,
        notes=tuple(_notes(request, socket)),
        warnings=tuple(_warnings(evidence, socket)),
        obstacles=(*_socket_obstacles(socket, processes), *_goal_obstacles(request)),
    )


def _from_file(request: HandoffRequest, evidence: Evidence, target: NetworkNamespace | None) -> HandoffPlan:
    saved = read_state(request.state_file)
    waiting = [each for each in entries() if _is_waiting(each.kind, each.begun, request.state_file)]
    left = min(waiting, key=lambda each: each.ended, default=None)
    netns = _namespace(evidence, int(left.begun["netns"])) if left and not left.ended else None
    target = target or netns or _namespace(evidence, os.stat("/proc/self/ns/net").st_ino)  # noqa: PTH116
    obstacles = [*_goal_obstacles(request)]
    if not request.to and not request.command:
        obstacles.append("It is in a file already: say where it goes to (--to PATH or --command)")
    if busy := [each.id for each in waiting if not each.ended and each.workbench_alive]:
        obstacles.append(f"The hand-off {busy[0]} still works on it: wait until it has ended")
    if target is not None and (living := _living(saved.connection, target, evidence)) is not None:
        whose = f"process {living.holders[0].pid} has it" if living.holders else "no process holds it"
        obstacles.append(f"{saved.connection} lives there ({living.state.name}, {whose}): it has been handed on")
    return HandoffPlan(
        request=request,
        title=printable(f"Hand-off of {saved.connection}, {saved.state.name}, from a file: {_goal(request)}"),
        connection=saved.connection,
        state=saved.state,
        netns=netns,
        target=target,
        saved=saved,
        lock=str(left.begun["lock"]) if left and not left.ended else "",
        warnings=() if left and not left.ended else ("No lock stands since it was taken: the peer may be gone",),
        obstacles=tuple(obstacles),
    )


def _living(connection: Connection, netns: NetworkNamespace, evidence: Evidence) -> Socket | None:
    sockets = () if isinstance(evidence.sockets, Gap) else evidence.sockets
    likely = choose(sockets, Choice(netns={netns.inode}, states=MOVABLE, local_ports={connection.local.port}))
    return next((each for each in likely if each.connection.unmapped == connection.unmapped), None)


def _is_waiting(kind: str, begun: Mapping[str, object], path: str) -> bool:
    return kind == KIND and os.path.realpath(str(begun["images"])) == os.path.realpath(path)


def _namespace(evidence: Evidence, inode: int) -> NetworkNamespace | None:
    known = () if isinstance(evidence.namespaces, Gap) else evidence.namespaces
    return next((each for each in known if each.inode == inode), None)


def _goal(request: HandoffRequest) -> str:
    where = f" in {request.netns}" if request.netns else ""
    if request.to:
        return f"to whoever waits at {request.to}{where}"
    if request.command:
        return f"to {request.command[0]}, started for it{where}"
    return f"into {request.keep}"


def _notes(request: HandoffRequest, socket: Socket) -> Iterator[str]:
    owners = ", ".join(f"{each.command} {each.pid} fd {each.fd}" for each in socket.holders)
    yield f"{printable(owners)} stands still for some milliseconds, and then {OLD_OWNER_SEES}."
    if request.to or request.command:
        yield "Until the recipient has it, any failure puts it back into the descriptor that it came from."
    else:
        yield "It stays locked in the file until it is handed on (workbench handoff --from FILE); its peer waits."
    yield "Carried: sequence numbers, both queues, windows, options and time stamps."
    yield "Not carried: congestion window, round-trip times, data received out of order (the peer sends it again)."


def _warnings(evidence: Evidence, socket: Socket) -> Iterator[str]:
    known = None if isinstance(evidence.sequences, Gap) else evidence.sequences.get(socket.cookie)
    if known is not None and known.out_of_order:
        yield "Data has come out of order: it is dropped, and the peer sends it again"
    if socket.retransmits:
        yield "It is retransmitting: its peer may not hear it, and nothing here makes sure that it does"


def _socket_obstacles(socket: Socket, processes: Mapping[int, Process]) -> Iterator[str]:
    if os.geteuid() != 0:
        yield "This needs root: run the workbench as root"
        return
    if socket.state not in MOVABLE:
        yield f"It is in {socket.state.name}: only connections can be handed over"
        return
    ours = {os.getpid(), *ancestors(os.getpid(), processes)}
    for holder in socket.holders:
        process = processes.get(holder.pid)
        if holder.pid <= 1:
            yield "Process 1 holds it, which cannot be stopped"
        elif holder.pid in ours:
            yield f"Process {holder.pid} is the workbench or an ancestor of it: this connection may be your terminal's"
        elif process is not None and process.state == "t":
            yield f"Process {holder.pid} is being traced: end the debugger first"
    try:
        with borrow(socket.holders[0].pid, socket.holders[0].fd, socket.inode) as borrowed:
            reason = refusal(borrowed)
    except WorkbenchError as error:
        yield str(error)
    else:
        if reason:
            yield f"It cannot be taken: {reason}"


def _goal_obstacles(request: HandoffRequest) -> Iterator[str]:
    if request.to and request.command:
        yield "Either a recipient that waits (--to) or a command that is started, not both"
    if not (request.to or request.command or request.keep):
        yield "Nobody is to receive it: name --to PATH, --command CMD or -o FILE"
    if request.command and shutil.which(request.command[0]) is None:
        yield f"There is no program {printable(request.command[0])}"
    if request.to:
        try:
            is_socket = stat.S_ISSOCK(os.stat(request.to).st_mode)  # noqa: PTH116
        except OSError as error:
            yield f"Nobody waits at {printable(request.to)}: {error.strerror}"
        else:
            if not is_socket:
                yield f"{printable(request.to)} is no unix socket"
    if request.keep and not Path(request.keep).absolute().parent.is_dir():
        yield f"There is no directory for {printable(request.keep)}"
    elif request.keep and os.path.lexists(request.keep):
        yield f"{printable(request.keep)} is there already, and may be all that is left of a connection: name another"


def _place_obstacles(plan: HandoffPlan, evidence: Evidence) -> Iterator[str]:
    if plan.target is None:
        yield "Its network namespace is gone: name another with --to-netns"
    elif plan.arrives is None and not _is_there(plan, evidence):
        assert plan.connection is not None
        address, where = plan.connection.unmapped.local.address, printable(plan.target.path)
        if plan.request.move_address:
            yield f"No interface of {where} could take {address}: give it one of that network first"
        else:
            yield f"{address} is no address of {where}: give it one first, or have it moved by --move-address"


def _is_there(plan: HandoffPlan, evidence: Evidence) -> bool:
    if not plan.moves and plan.saved is None:
        return True
    assert plan.target is not None
    assert plan.connection is not None
    if isinstance(evidence.network, Gap):
        return True
    address = plan.connection.unmapped.local.address
    there = {each.address for each in evidence.network.addresses if each.netns == plan.target.inode}
    return address in there or address.startswith("127.") or address == "::1"


def _with_address(plan: HandoffPlan, evidence: Evidence) -> HandoffPlan:
    """The plan with the address that goes along, if it is wanted and can."""
    network = evidence.network
    if (
        not plan.request.move_address
        or isinstance(network, Gap)
        or plan.connection is None
        or _is_there(plan, evidence)
    ):
        return plan
    assert plan.target is not None
    address = plan.connection.unmapped.local.address
    interface = interface_for(address, network, plan.target.inode)
    here = [each for each in network.addresses if plan.netns is not None and each.netns == plan.netns.inode]
    own = next((each for each in here if each.address == address), None)
    if interface is None or own is None:
        return plan
    return replace(
        plan,
        leaves=MovingAddress(own.interface, address, own.prefix),
        arrives=MovingAddress(interface, address, own.prefix),
        notes=(*plan.notes, f"{address} moves along, from {own.interface} to {interface}, and is announced there."),
        warnings=(*plan.warnings, *_left_behind(plan, evidence, (address, *lost_with(own, here)))),
    )


def _left_behind(plan: HandoffPlan, evidence: Evidence, addresses: Collection[str]) -> Iterator[str]:
    """What else lives on the addresses that go."""
    if len(addresses) > 1:
        yield f"With its address the kernel takes away {', '.join(tuple(addresses)[1:])}"
    assert plan.netns is not None
    others = [
        each
        for each in (() if isinstance(evidence.sockets, Gap) else evidence.sockets)
        if each.netns == plan.netns.inode and each.local.address in addresses and each.inode != plan.inode
    ]
    if others:
        more = f" and {len(others) - 1} more" if others[1:] else ""
        yield f"{others[0].local}{more} of the same namespace: uses the address that goes, and is cut off then"


def known_namespaces() -> tuple[NetworkNamespace, ...]:
    """Every network namespace now; empty if they cannot be read."""
    found, _ = collect_namespaces()
    return () if isinstance(found, Gap) else found
