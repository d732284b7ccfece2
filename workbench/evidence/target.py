"""What a person means to dump or to restore, when that is what the evidence is to be judged for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The subject of a preflight; without one, checks that would accuse a whole host stay silent."""

    operation: str
    """``dump`` or ``restore``."""
    title: str
    """As a person would name it: ``server 4645 and 3 children``, or the image directory; hostile."""
    pids: frozenset[int] = frozenset()
    """The process tree (dump)."""
    images: str = ""
    """Path of the image directory (restore)."""
    netns: int | None = None
    """Inode of the network namespace in which it is to be restored."""
