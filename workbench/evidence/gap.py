"""What could not be looked at, and what would make it possible."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """A section of evidence that is not there: an answer of its own, neither empty nor an error."""

    section: str
    """Name of the section as in ``Evidence`` (``sockets``, ``rules``, ...)."""
    reason: str
    """One sentence: why it is not there."""
    remedy: str = ""
    """One sentence: what would give it; empty if nothing would."""
    netns: int | None = None
    """Inode of the network namespace concerned; None if the gap concerns all of them."""
