"""Leftover locks of CRIU's, taken away: only those that nobody uses, journaled before anything is done."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from workbench.collect.live import LiveSource
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap, ImageDirectory, Lock, NetworkNamespace, Socket
from workbench.evidence.lock_map import LockStatus, LockUse, map_locks
from workbench.operation.journal import ENDED, Journal, boot_id, own_identity, unfinished
from workbench.operation.record import connection_record, lock_record
from workbench.operation.removal import Kept, Removal, RemovalPlan, Removed
from workbench.operation.standstill import standing_still
from workbench.operation.unlock import plan_unlock, still_standing, unlock_all
from workbench.operation.wake import wake
from workbench.read.criu_images import read_image_directory

SECTIONS = ("rules", "locks", "sockets", "sequences", "processes", "network", "images", "unfinished")
"""What tells whether a lock is in use."""

KIND = "unlock"
"""Kind of the operation in the journal."""


class Write(Protocol):
    """Journals a transition before it happens."""

    def __call__(self, transition: str, **facts: Any) -> None: ...


def plan_removal(
    evidence: Evidence, *, only: Callable[[LockUse], bool] | None = None, even_if_needed: bool = False
) -> RemovalPlan:
    """Which locks go and what it takes; looks at nothing but the evidence.

    ``only``: the locks that are meant, instead of all. ``even_if_needed``: those too that images wait behind, or may
    wait behind, each with what is lost. A lock that a running CRIU or workbench may hold never goes.
    """
    judged = [
        _judged(use, evidence, even_if_needed=even_if_needed)
        for use in map_locks(evidence)
        if only is None or only(use)
    ]
    images = None if isinstance(evidence.images, Gap) else tuple(image.path for image in evidence.images)
    plan = RemovalPlan(
        removals=tuple(each for each in judged if isinstance(each, Removal)),
        kept=tuple(each for each in judged if isinstance(each, Kept)),
        even_if_needed=even_if_needed,
        named=only is not None,
        images=images,
        gaps=tuple(gap for gap in evidence.gaps if gap.section in {"namespaces", "rules", "locks"}),
    )
    return replace(plan, commands=tuple(_typed(plan)))


def remove(plan: RemovalPlan, *, directory: Path | None = None) -> Removed:
    """Do it after looking once more; ``directory`` is that of the journal.

    Raises WorkbenchError, and does nothing, if a lock is no longer as the plan says or the journal cannot be kept.
    """
    if not plan.removals:
        return Removed()
    evidence = look(plan.images, directory=directory)
    again = plan_removal(evidence, only=among(map(lock_record, plan.locks)), even_if_needed=plan.even_if_needed)
    if _signature(again) != _signature(plan):
        raise WorkbenchError("The locks are not as they were when the plan was made: nothing was done", "look again")
    journal = Journal(KIND, _facts(plan), directory)
    try:
        done = carry_out(again, evidence, journal.write)
        journal.write(f"{ENDED}{len(done.lifted)} of {len(plan.locks)} lifted")
    finally:
        journal.close()
    return done


def look(images: Collection[str] | None = None, *, directory: Path | None = None, without: str = "") -> Evidence:
    """This host as far as locks are concerned; ``without`` leaves out one unfinished operation."""
    source = LiveSource(
        SECTIONS,
        images=lambda: _images(images),
        unfinished=lambda: tuple(each for each in unfinished(directory) if each.id != without),
    )
    try:
        return source.evidence()
    finally:
        source.close()


def among(records: Collection[Mapping[str, Any]] | Iterator[Mapping[str, Any]]) -> Callable[[LockUse], bool]:
    """Whether a lock is one of those that were recorded."""
    known = list(records)
    return lambda use: lock_record(use.lock) in known


def carry_out(plan: RemovalPlan, evidence: Evidence, write: Write) -> Removed:
    """Remove the locks, namespace by namespace; what fails in one does not keep the others."""
    lifted: list[Lock] = []
    failed: list[tuple[Lock, str]] = []
    woken: list[str] = []
    for space, removals in plan.by_namespace:
        locks = tuple(each.use.lock for each in removals)
        stuck = {socket.cookie: (socket, each.use.image) for each in removals for socket in each.stuck}
        try:
            with standing_still((holder.pid for socket, _ in stuck.values() for holder in socket.holders), write):
                for socket, image in stuck.values():
                    write("repair off", inode=socket.inode)
                    wake(socket, image, evidence)
                    woken.append(str(socket.connection))
                write("lifting", namespace=space.inode, lifting=[lock.name for lock in locks])
                unlock_all(locks, space.path)
        except WorkbenchError as error:
            left = _left(locks, space)
            failed += [(lock, str(error)) for lock in left]
            lifted += [lock for lock in locks if lock not in left]
        else:
            lifted += locks
    return Removed(tuple(lifted), tuple(failed), tuple(woken))


def _judged(use: LockUse, evidence: Evidence, *, even_if_needed: bool) -> Removal | Kept:
    space = _namespace(use.lock, evidence)
    if use.status is LockStatus.HELD:
        return Kept(use, use.sentence, in_use=True)
    if space is None:
        return Kept(use, "its network namespace cannot be entered")
    try:
        plan_unlock(use.lock)
    except WorkbenchError as error:
        return Kept(use, str(error))
    loses = _loses(use)
    if loses and not even_if_needed:
        reason = f"{use.sentence}; {use.advice}" if use.advice else use.sentence
        if use.operation:
            reason = f"it belongs to the interrupted {use.operation.title}, which `workbench recover` puts right"
        return Kept(use, reason, use.status is LockStatus.NEEDED, loses)
    return Removal(use, space, _stuck(use, evidence), loses)


def _namespace(lock: Lock, evidence: Evidence) -> NetworkNamespace | None:
    spaces = () if isinstance(evidence.namespaces, Gap) else evidence.namespaces
    return next((each for each in spaces if each.inode == lock.netns), None)


def _loses(use: LockUse) -> str:
    """What removing it would cost somebody."""
    reset = "the next packet of the peer is then answered with a reset, and the connection cannot be restored"
    if use.status is LockStatus.NEEDED and use.image:
        return f"The images in {use.image.path} wait behind it: {reset}."
    if use.status is LockStatus.UNCLEAR:
        return f"Images may wait behind it: if they do, {reset}."
    if use.operation and use.operation.kind != KIND:
        return f"The interrupted {use.operation.title} needs it: `workbench recover` may then find its peers reset."
    return ""


def _stuck(use: LockUse, evidence: Evidence) -> tuple[Socket, ...]:
    if use.status is not LockStatus.STUCK or isinstance(evidence.sequences, Gap):
        return ()
    known = evidence.sequences
    return tuple(each for each in use.sockets if each.cookie in known and known[each.cookie].repair)


def _typed(plan: RemovalPlan) -> Iterator[str]:
    for space, removals in plan.by_namespace:
        unlock = plan_unlock(*(each.use.lock for each in removals))
        yield from (command.typed("" if space.is_host else space.path) for command in unlock.commands)


def _signature(plan: RemovalPlan) -> list[tuple[dict[str, Any], list[int]]]:
    return [(lock_record(each.use.lock), sorted(socket.cookie for socket in each.stuck)) for each in plan.removals]


def _facts(plan: RemovalPlan) -> dict[str, Any]:
    number = len(plan.locks)
    return {
        "workbench": own_identity(),
        "boot_id": boot_id(),
        "images": "",
        "netns": plan.locks[0].netns,
        "root": (0, 0),
        "command": f"{number} lock{'' if number == 1 else 's'}",
        "connections": [connection_record(each) for removal in plan.removals for each in removal.use.connections],
        "locks": [lock_record(lock) for lock in plan.locks],
        "even_if_needed": plan.even_if_needed,
        "known_images": plan.images,
    }


def _images(paths: Collection[str] | None) -> tuple[ImageDirectory, ...] | Gap:
    if paths is None:
        return Gap("images", "no image directory was given", "name those that may belong to a lock: --images DIR")
    found = []
    for path in paths:
        with contextlib.suppress(WorkbenchError):  # moved or removed since: nothing waits there any more
            found.append(read_image_directory(path))
    return tuple(found)


def _left(locks: tuple[Lock, ...], space: NetworkNamespace) -> tuple[Lock, ...]:
    try:
        return still_standing(locks, space.path)
    except WorkbenchError:
        return locks
