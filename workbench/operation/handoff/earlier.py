"""Hand-offs that work on one connection one after the other: out into a file, and on from there, under one lock."""

from pathlib import Path

from workbench.operation.journal import RECOVERED, Entry, entries


def others(lock: str, path: Path) -> tuple[Entry, ...]:
    """Unfinished hand-offs with this lock, but for the one with the journal ``path``; the oldest first."""
    return tuple(each for each in entries() if not each.ended and each.path != path and each.begun.get("lock") == lock)


def settle_others(lock: str, path: Path) -> None:
    """The connection has arrived by this hand-off: those before it are over."""
    for each in others(lock, path):
        each.note(RECOVERED, by=path.stem)
