"""What an interrupted operation left on the host."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.collect import procfs
from workbench.collect.namespaces import collect_namespaces
from workbench.collect.netfilter import collect_rules
from workbench.errors import WorkbenchError
from workbench.evidence import Backend, Connection, Gap, ImageDirectory, Lock, NetworkNamespace
from workbench.operation.executor import RUN_ID
from workbench.operation.journal import Entry
from workbench.operation.sampling import is_of_run
from workbench.operation.task import Task, command_of, program_counter_in
from workbench.read.criu_images import read_image_directory
from workbench.read.criu_log import read_log
from workbench.repair.release import in_repair

_FIRST_LINES = 100
_WAITS_S = 0.5
"""Seconds in which a task whose CRIU died comes to wait in the restorer."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A descriptor whose socket is in repair mode."""

    pid: int
    fd: int
    inode: int
    connection: Connection


def run_id_of(entry: Entry, image: ImageDirectory | None) -> str:
    """CRIU's run id of the dump: from the journal, the images, or the first lines of the log; empty if unknown."""
    known = str(entry.facts.get("run_id") or entry.begun.get("run_id") or "")
    if known or (image is not None and image.run_id):
        return known or (image.run_id if image is not None and image.run_id else "")
    try:
        first = itertools.islice(read_log(f"{entry.begun['images']}/dump.log"), _FIRST_LINES)
        ids = [line.message.removeprefix(RUN_ID).strip() for line in first if line.message.startswith(RUN_ID)]
    except WorkbenchError:
        return ""
    return ids[-1] if ids else ""


def image_of(entry: Entry) -> ImageDirectory | None:
    """The images if there are any that can be read."""
    try:
        return read_image_directory(str(entry.begun["images"]))
    except WorkbenchError:
        return None


def namespace_of(entry: Entry) -> NetworkNamespace | None:
    """The network namespace of the operation; None if it is gone."""
    known, _ = collect_namespaces()
    if isinstance(known, Gap):
        return None
    return next((each for each in known if each.inode == entry.begun["netns"]), None)


def locks_of(entry: Entry, namespace: NetworkNamespace | None, run_id: str) -> tuple[Lock, ...]:
    """Locks of this operation's making that stand now. Raises WorkbenchError if rules cannot be read."""
    if namespace is None:
        return ()
    _, locks, gaps = collect_rules([namespace])
    if isinstance(locks, Gap) or gaps:
        gap = locks if isinstance(locks, Gap) else gaps[0]
        raise WorkbenchError(gap.reason, gap.remedy)
    wires = {each.unmapped for each in entry.connections}
    return tuple(lock for lock in locks if _is_ours(lock, wires, run_id, entry.begun["root"][0]))


def _is_ours(lock: Lock, wires: set[Connection], run_id: str, root: int) -> bool:
    if lock.backend is Backend.NFTABLES:
        return is_of_run(lock, run_id) or lock.root_pid == root
    return any(each in wires for each in lock.connections)


def stuck_sockets(tasks: tuple[Task, ...]) -> Iterator[Stuck]:
    """Sockets of these tasks that are in repair mode; one that cannot be borrowed is passed over."""
    seen: set[int] = set()
    for task in tasks:
        try:
            fds = sorted(int(name) for name in procfs.names(f"/proc/{task.pid}/fd") if name.isdecimal())
        except OSError:
            continue
        for fd in fds:
            inode = procfs.link_inode(f"/proc/{task.pid}/fd/{fd}", "socket")
            if inode is None or inode in seen:
                continue
            seen.add(inode)
            try:
                connection = in_repair(task.pid, fd, inode)
            except WorkbenchError:
                continue
            if connection is not None:
                yield Stuck(task.pid, fd, inode, connection)


def is_half_restored(task: Task) -> bool:
    """Whether a task still waits in CRIU's restorer, or is CRIU's own child that has not become the task yet.

    The restorer blob lies in anonymous memory (criu/pie/restorer.c); a program that was let go waits in its own.
    """
    return command_of(task.pid) == "criu" or program_counter_in(task.pid, _WAITS_S) == ""
