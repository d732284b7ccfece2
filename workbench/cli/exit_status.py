"""Exit statuses of every command; the format of the output never changes them."""

from enum import IntEnum


class ExitStatus(IntEnum):
    CLEAN = 0
    """Done; nothing at or above the level that counts."""
    FINDINGS = 1
    """Findings, or an operation that is not proved to have succeeded."""
    USAGE = 2
    """Wrong usage, an obstacle, or a source that cannot be read."""
    INCOMPLETE = 3
    """Something broke, so that the answer is not complete."""
    INTERRUPTED = 130
    """Ctrl-C."""
