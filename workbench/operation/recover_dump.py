"""An interrupted dump, put right."""

import signal
from collections.abc import Iterable

from workbench.evidence import Connection, ImageDirectory, Lock, NetworkNamespace
from workbench.operation.again import restore_again
from workbench.operation.journal import Entry
from workbench.operation.migration.recover_send import forget_images, recover_send
from workbench.operation.recover import Report
from workbench.operation.scene import Stuck, image_of, locks_of, namespace_of, run_id_of, stuck_sockets
from workbench.operation.standstill import stop
from workbench.operation.task import Task, Tasks
from workbench.operation.unlock import unlock_all
from workbench.repair.release import leave_repair

_GONE_S = 10.0


def recover_dump(entry: Entry, report: Report, *, restoring: bool) -> None:
    """Living processes run on as before; processes that are gone come back from complete images, or are lost."""
    image = image_of(entry)
    run_id = run_id_of(entry, image)
    namespace = namespace_of(entry)
    locks = locks_of(entry, namespace, run_id)
    identities = [(int(pid), int(start)) for pid, start in entry.facts.get("tasks") or entry.begun["tasks"]]
    if recover_send(entry, report, locks, namespace):
        return
    whole = image is not None and image.complete and (not run_id or image.run_id in {None, run_id})
    with Tasks(identities) as tasks:
        living = tasks.alive
        if len(living) == len(identities):
            _run_on(entry, report, living, locks, namespace)
            forget_images(entry, report)
        elif living and not whole:
            report.say(f"{len(identities) - len(living)} of {len(identities)} processes ended meanwhile.")
            _run_on(entry, report, living, locks, namespace)
        elif living and entry.begun["runs_on"]:
            report.ask(
                f"Process {living[0].pid} lives and others of its tree ended, though all should run on: either end it"
                f" and run `workbench restore -D {entry.begun['images']}`, or lift the lock (workbench locks)."
            )
            return
        elif whole:
            _bring_back(entry, report, living, image, namespace, restoring=restoring)
        else:
            _give_up(entry, report, locks, namespace, image)
            forget_images(entry, report)


def _run_on(
    entry: Entry, report: Report, living: tuple[Task, ...], locks: tuple[Lock, ...], namespace: NetworkNamespace | None
) -> None:
    """Repair mode off while the lock still stands, then the lock, then the processes: so no reset escapes."""
    before = set(entry.begun["stopped"])
    stopped = [task for task in living if task.state == "T" and task.pid not in before]
    stuck = list(stuck_sockets(living))
    if stuck:
        if not report.dry_run:
            stop(living)
        reuse = {int(each["inode"]): bool(each["reuse"]) for each in entry.begun["sockets"]}
        for each in stuck:
            report.act(
                f"{each.connection} was left in repair mode: switched off.",
                lambda each=each: leave_repair(each.pid, each.fd, each.inode, reuse.get(each.inode, False)),  # type: ignore[misc]
            )
    _lift(report, locks, namespace)
    for task in living if stuck else stopped:
        if task.pid not in before and not report.dry_run:
            task.signal(signal.SIGCONT)
    if stopped:
        report.say(f"{_pids(stopped)} stood still: runs on.")
    gone = _missing(entry, living) if not report.dry_run else ()
    report.lose(gone, "its process closed it while it was in repair mode")
    if not (stuck or locks or stopped or gone):
        report.say(f"{_pids(living)} runs on, no lock is left: nothing to do.")


def _lift(report: Report, locks: tuple[Lock, ...], namespace: NetworkNamespace | None) -> None:
    if locks and namespace is not None:
        names = ", ".join(lock.name for lock in locks[:3]) + (f" and {len(locks) - 3} more" if locks[3:] else "")
        report.act(f"The lock {names} stands: lifted.", lambda: unlock_all(locks, namespace.path))


def _missing(entry: Entry, living: Iterable[Task]) -> tuple[Connection, ...]:
    """Connections of the journal whose socket no living task of the tree has open any more."""
    from workbench.collect import procfs
    from workbench.operation.record import connection_from

    inodes = set()
    for task in living:
        try:
            names = procfs.names(f"/proc/{task.pid}/fd")
        except OSError:
            continue
        inodes |= {procfs.link_inode(f"/proc/{task.pid}/fd/{name}", "socket") for name in names}
    return tuple(connection_from(each["connection"]) for each in entry.begun["sockets"] if each["inode"] not in inodes)


def _bring_back(
    entry: Entry,
    report: Report,
    living: tuple[Task, ...],
    image: ImageDirectory | None,
    namespace: NetworkNamespace | None,
    *,
    restoring: bool,
) -> None:
    """All was dumped, and the processes are gone, or part of them: their sockets were silent since."""
    assert image is not None
    if living:
        report.act(f"{_pids(living)} was about to be ended: ended.", lambda: _end(living))
    report.say(f"Process {entry.begun['root'][0]} is gone, its images are complete and its connections still locked.")
    if namespace is None:
        report.lose(entry.connections, "its network namespace is gone")
    elif restoring:
        restore_again(entry, report, namespace.path)
    else:
        report.pending = True
        report.say(f"Bring it back with: workbench restore -D {entry.begun['images']} (or workbench recover)")


def _end(living: Iterable[Task]) -> None:
    for task in living:
        task.signal(signal.SIGKILL)
    for task in living:
        task.gone(_GONE_S)


def _give_up(
    entry: Entry,
    report: Report,
    locks: tuple[Lock, ...],
    namespace: NetworkNamespace | None,
    image: ImageDirectory | None,
) -> None:
    """Neither the processes nor whole images are there; ``image``: None if none can be read."""
    were_complete = "images complete" in entry.transitions
    known = "are not complete" if image is not None else "are gone" if were_complete else "cannot be read"
    report.say(f"Process {entry.begun['root'][0]} is gone, and its images {known}.")
    _lift(report, locks, namespace)
    why = "ended while CRIU had its socket in repair mode (calls fail then), before the images were complete"
    report.lose(
        entry.connections, "its process is gone, and so are its images" if were_complete else f"its process {why}"
    )


def _pids(tasks: Iterable[Task | Stuck]) -> str:
    pids = sorted({task.pid for task in tasks})
    return f"Process {pids[0]}" if len(pids) == 1 else f"Processes {', '.join(map(str, pids[:5]))}"
