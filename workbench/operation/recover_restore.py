"""An interrupted restore, put right."""

import signal
from collections.abc import Iterable
from pathlib import Path

from workbench.collect import procfs
from workbench.errors import WorkbenchError
from workbench.evidence import ImageDirectory, Lock, NetworkNamespace, Stage
from workbench.operation.again import restore_again
from workbench.operation.container import container_from, delete, runs
from workbench.operation.journal import Entry
from workbench.operation.plan_restore import protected
from workbench.operation.recover import Report
from workbench.operation.rollback.recover_rollback import recover_rollback
from workbench.operation.scene import image_of, is_half_restored, locks_of, namespace_of, run_id_of, stuck_sockets
from workbench.operation.task import Task, Tasks, stat_of
from workbench.operation.unlock import unlock_all
from workbench.read.criu_log import read_log

_GONE_S = 10.0


def recover_restore(entry: Entry, report: Report, *, restoring: bool) -> None:
    """Half-restored processes are ended without a packet and restored again, as long as the lock still stands."""
    image = image_of(entry)
    namespace = namespace_of(entry)
    if recover_rollback(entry, report, run_id_of(entry, image), namespace):
        return
    locks = locks_of(entry, namespace, run_id_of(entry, image))
    with Tasks(_restored_pids(entry)) as tasks:
        living = tasks.alive
        half = [task for task in living if is_half_restored(task)]
        if living and not half:
            _released(entry, report, living, locks, namespace)
            return
        wires = frozenset(entry.connections)
        locked = protected(wires, locks) == wires or entry.begun["options"].get("tcp_close") or not wires
        silent = len(list(stuck_sockets(living))) if living else 0
        if living and not locked:
            _too_late(entry, report, living, locks, namespace)
            return
        if living:
            sockets = f" (connections in repair mode: {silent})" if silent else ""
            report.act(f"{_pids(living)} is half restored{sockets}: ended without a packet.", lambda: _end(living))
    container = container_from(entry.begun.get("container"))
    if container is not None and runs(container):
        report.act(f"What runc had made of container {container.id} is removed.", lambda: delete(container))
    _once_more(entry, report, image, namespace, locked=bool(locked), restoring=restoring)


def _restored_pids(entry: Entry) -> list[tuple[int, int | None]]:
    """Processes with a pid of the images that began after the restore did, in its namespace."""
    if entry.begun.get("container"):  # the pids in its images are of a pid namespace of its own
        return [(int(pid), int(start)) for pid, start in entry.facts.get("tasks") or ()] or _in_namespace(entry)
    found: list[tuple[int, int | None]] = []
    commands = {*entry.begun["commands"], "criu"}
    for pid, _ in entry.begun["tasks"]:
        there = stat_of(pid)
        if there is None or there.start_time < entry.begun["uptime_ticks"] or there.command not in commands:
            continue
        if procfs.link_inode(f"/proc/{pid}/ns/net", "net") in {entry.begun["netns"], None}:  # None: a zombie
            found.append((pid, there.start_time))
    return found


def _in_namespace(entry: Entry) -> list[tuple[int, int | None]]:
    """Processes of a container that CRIU made and did not tell of: in its network and another pid namespace."""
    own = procfs.link_inode("/proc/self/ns/pid", "pid")
    commands = {*entry.begun["commands"], "criu"}
    found: list[tuple[int, int | None]] = []
    for pid in procfs.pids():
        there = stat_of(pid)
        if there is None or there.start_time < entry.begun["uptime_ticks"] or there.command not in commands:
            continue
        in_network = procfs.link_inode(f"/proc/{pid}/ns/net", "net") == entry.begun["netns"]
        if in_network and procfs.link_inode(f"/proc/{pid}/ns/pid", "pid") not in {own, None}:
            found.append((pid, there.start_time))
    return found


def _released(
    entry: Entry, report: Report, living: Iterable[Task], locks: tuple[Lock, ...], namespace: NetworkNamespace | None
) -> None:
    """It was over but for CRIU's answer."""
    stuck = list(stuck_sockets(tuple(living)))
    if stuck:
        report.ask(f"{stuck[0].connection} is in repair mode though its process runs: end process {stuck[0].pid} and")
        return
    if locks and namespace is not None:
        report.act("A lock of its connections still stands: lifted.", lambda: unlock_all(locks, namespace.path))
    report.say(f"{_pids(living)} is restored and runs, its connections are unlocked: nothing to do.")


def _too_late(
    entry: Entry,
    report: Report,
    living: Iterable[Task],
    locks: tuple[Lock, ...],
    namespace: NetworkNamespace | None,
) -> None:
    """Unlocked, but never let go: the kernel has answered the peer since in the name of processes that cannot run."""
    report.act(f"{_pids(living)} was unlocked but never let go, and cannot run: ended.", lambda: _end(living))
    if locks and namespace is not None:
        report.act("The rest of the lock is lifted.", lambda: unlock_all(locks, namespace.path))
    report.lose(entry.connections, "CRIU died between unlocking it and letting its process go")


def _once_more(
    entry: Entry,
    report: Report,
    image: ImageDirectory | None,
    namespace: NetworkNamespace | None,
    *,
    locked: bool,
    restoring: bool,
) -> None:
    images = entry.begun["images"]
    if namespace is None:
        report.lose(entry.connections, "its network namespace is gone")
    elif image is None or not image.complete:
        unreadable = f"The images in {images} cannot be read any more: nothing can be restored from them"
        if locked:
            report.ask(f"{unreadable}. The lock still holds the peers back: workbench locks --remove --even-if-needed")
        else:
            report.lose(entry.connections, "neither process, lock nor images are there any more")
    elif not locked and _was_unlocked(images):
        report.lose(
            entry.connections,
            "CRIU had lifted the lock when it died, and its process is gone: a peer that sent anything since was"
            " answered with a reset",
        )
    elif not locked:
        report.ask(
            "No process is there and the lock is gone: a peer that sent anything since was answered with a reset."
            f" If you know that it was silent: workbench restore -D {images}"
        )
    elif restoring:
        report.say("The lock still stands, so that nothing was exchanged since: the restore is repeated.")
        restore_again(entry, report, namespace.path)
    else:
        report.pending = True
        report.say(f"Lock and images stand as before, the restore can be repeated: workbench restore -D {images}")


def _was_unlocked(images: str) -> bool:
    """Whether the log of the restore says that it came to lifting the lock."""
    try:
        lines = read_log(Path(images, "restore.log"))
        return any(line.stage in {Stage.UNLOCKED, Stage.REPAIR_OFF, Stage.RELEASED} for line in lines)
    except WorkbenchError:
        return False


def _end(living: Iterable[Task]) -> None:
    for task in living:
        task.signal(signal.SIGKILL)
    for task in living:
        if not task.gone(_GONE_S):
            raise WorkbenchError(f"Process {task.pid} does not end", "look at it again in a moment")


def _pids(tasks: Iterable[Task]) -> str:
    pids = sorted({task.pid for task in tasks})
    return f"Process {pids[0]}" if len(pids) == 1 else f"Processes {', '.join(map(str, pids[:5]))}"
