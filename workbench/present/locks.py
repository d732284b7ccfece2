"""A network lock in words."""

from workbench.evidence import LockScope
from workbench.evidence.lock_map import LockUse
from workbench.present.text import printable
from workbench.present.units import count


def lock_sentence(use: LockUse) -> str:
    """``nftables CRIU-6f1c... both directions, 10 packets held back, images ./img``; printable."""
    lock = use.lock
    parts = [_way(lock.directions)]
    if lock.scope is LockScope.NAMESPACE:
        parts.insert(0, "the whole network namespace")
    if lock.packets is not None:
        parts.append(f"{count(lock.packets, 'packet')} held back")
    if lock.duplicates:
        parts.append(f"there {lock.duplicates + 1} times")
    if use.image:
        parts.append(f"images {use.image.path}")
    name = "" if lock.connections and lock.name == str(lock.connections[0]) else f" {lock.name}"
    return printable(f"{lock.backend}{name}: {', '.join(parts)}")


def lock_owner(use: LockUse) -> str:
    """Who belongs to it: live processes, or the dumped one as its images know it; ``-`` if nobody does."""
    if use.processes:
        return printable(", ".join(f"{process.command} {process.pid}" for process in use.processes[:3]))
    if use.image and use.image.tasks:
        return printable(f"{use.image.tasks[0].command} {use.image.tasks[0].pid} (dumped)")
    if use.operation:
        return printable(f"{use.operation.command} {use.operation.pid}")
    return "-"


def _way(directions: frozenset[str]) -> str:
    if len(directions) == 2:
        return "both directions"
    return f"{''.join(directions)} only" if directions else "not in use: nothing jumps to it"
