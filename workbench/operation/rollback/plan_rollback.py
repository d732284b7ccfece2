"""The plan of a roll-back: what becomes of the present process, and of each connection of the past one."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from workbench.collect import procfs
from workbench.collect.files import collect_files
from workbench.collect.processes import tree as tree_of
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Evidence, Gap, ImageDirectory, NetworkNamespace, Socket
from workbench.operation.migration.look import look
from workbench.operation.note import read_note
from workbench.operation.plan import Plan, SocketFate
from workbench.operation.plan_restore import SECTIONS, plan_restore
from workbench.operation.request import Policy, RestoreRequest, RollbackRequest
from workbench.operation.rollback.generation import Generation
from workbench.operation.rollback.generations import Generations, damage_of
from workbench.operation.task import start_time_of
from workbench.present.text import printable
from workbench.present.units import count
from workbench.read.criu_images import read_image_directory


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    plan: Plan
    """Of the restore; its connections are those that come back as they were."""
    generation: Generation | None
    """None if there is none: the plan's obstacles say so."""
    tree: tuple[tuple[int, int], ...]
    """Pid and start time of each present process, root first; empty if all have ended."""
    reset: tuple[Connection, ...]
    """Connections of the past that lead out of the tree: their peers have moved on, and are reset."""


def prepare_rollback(request: RollbackRequest) -> RollbackPlan:
    """Plan it. Never raises for what stands in the way: see ``plan.obstacles``."""
    start_time = start_time_of(request.pid) or 0
    restore = RestoreRequest("", policy=request.policy)
    try:
        generation = Generations(request.pid, start_time).get(request.number)
        damage = damage_of(generation)
        image = read_image_directory(generation.images)
    except WorkbenchError as error:
        return RollbackPlan(_refused(request, str(error)), None, (), ())
    if damage:
        refusal = f"Generation {generation.number} cannot be used, {damage}: choose another one"
        return RollbackPlan(_refused(request, refusal), None, (), ())
    note = read_note(generation.images)
    netns = note.netns if note else procfs.link_inode("/proc/self/ns/net", "net") or 0
    evidence = look(SECTIONS, netns)
    tree = _present(evidence, request.pid)
    past = _as_after_its_end(evidence, frozenset(pid for pid, _ in tree), _connections(image))
    restore = replace(restore, images=generation.images)
    plan = plan_restore(past, image, restore, note, _namespace(evidence, netns))
    inside = [each for each in plan.connections if is_inside(each, plan.connections)]
    reset = tuple(each for each in plan.connections if each not in inside)
    ends = f"process {request.pid}, as it is now, ends" if tree else f"process {request.pid} has ended already"
    title = f"Roll {printable(generation.command)} {request.pid} back to generation {generation.number}"
    counted = f"{count(len(inside), 'connection')} come back, {len(reset)} reset"
    if request.policy is Policy.CLOSE:
        counted = "its connections are closed"
    policy = ("--policy", request.policy.value) if request.policy is not Policy.KEEP else ()
    plan = replace(
        plan,
        command=("workbench", "rollback", "to", str(request.pid), str(generation.number), *policy),
        title=f"{title}: {counted}",
        connections=tuple(inside),
        sockets=tuple(_fate(each, reset) for each in plan.sockets),
        obstacles=(*plan.obstacles, *_changed_files(image)),
        warnings=tuple(each for each in plan.warnings if not each.startswith("The lock of")),
        notes=(*plan.notes, f"First {ends}; its connections that lead out are reset on purpose (SOCK_DESTROY)"),
        undo="Once the present process has ended there is no way back to it: save a generation first"
        f" (workbench rollback save {request.pid})",
        root_pid=request.pid,
    )
    return RollbackPlan(plan, generation, tree, reset)


def is_inside(connection: Connection, known: Iterable[Connection]) -> bool:
    """Whether both ends are in the images."""
    return connection.unmapped.reversed in {each.unmapped for each in known}


def is_left_of(socket: Socket, saved: Container[Connection]) -> bool:
    """A connection of the past whose process closed it or ended: the kernel brings it to its end, and we may."""
    return not socket.inode and socket.connection.unmapped in saved


def _refused(request: RollbackRequest, obstacle: str) -> Plan:
    return Plan(
        kind="restore",
        request=RestoreRequest(""),
        title=f"Roll process {request.pid} back",
        processes=(),
        sockets=(),
        connections=(),
        command=(),
        undo="",
        space_bytes=0,
        space_free_bytes=None,
        lock_cost_ms=None,
        obstacles=(printable(obstacle),),
        root_pid=request.pid,
    )


def _present(evidence: Evidence, pid: int) -> tuple[tuple[int, int], ...]:
    processes = evidence.processes
    if isinstance(processes, Gap) or pid not in processes:
        return ()
    return tuple((each, processes[each].start_time) for each in tree_of(processes, [pid]))


def _connections(image: ImageDirectory) -> frozenset[Connection]:
    return frozenset(each.connection.unmapped for each in image.sockets)


def _as_after_its_end(evidence: Evidence, tree: frozenset[int], saved: frozenset[Connection]) -> Evidence:
    """What is in the way of the past beside the present itself and what it has left; the lock is yet to be set."""
    processes, sockets = evidence.processes, evidence.sockets
    if not isinstance(processes, Gap):
        processes = {pid: each for pid, each in processes.items() if pid not in tree}
    if not isinstance(sockets, Gap):
        sockets = tuple(
            each
            for each in sockets
            if not any(holder.pid in tree for holder in each.holders) and not is_left_of(each, saved)
        )
    return replace(evidence, processes=processes, sockets=sockets, locks=Gap("locks", "it is yet to be set"))


def _namespace(evidence: Evidence, netns: int) -> NetworkNamespace | Gap:
    known = () if isinstance(evidence.namespaces, Gap) else evidence.namespaces
    found = next((each for each in known if each.inode == netns), None)
    return found or Gap("namespaces", "The network namespace that it was saved in is gone", "it cannot be rolled back")


def _fate(fate: SocketFate, reset: tuple[Connection, ...]) -> SocketFate:
    for each in reset:
        if fate.title.startswith(f"{each} "):
            text = "its peer has moved on: both are reset; the peer sees ECONNRESET, and so does the program"
            return replace(fate, fate=text, warning=True)
    if "its lock still stands" in fate.fate:
        return replace(fate, fate="both ends are in the images: it comes back as it was")
    return fate


def _changed_files(image: ImageDirectory) -> Iterable[str]:
    """CRIU would refuse them when the present process has ended already."""
    found = collect_files(each.path for each in image.files)
    for each in image.files:
        now = found.get(each.path)
        if now is None:
            continue
        if not now.exists:
            yield f"{printable(each.path)} is gone, and the past process had it open: bring it back first"
        elif each.size is not None and now.size != each.size:
            was = f"had {each.size} bytes, and has {now.size}"
            yield f"{printable(each.path)} {was}: CRIU refuses a file that has changed"
