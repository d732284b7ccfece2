"""A file of this host, as far as a restore asks for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What stat(2) says of a path."""

    exists: bool
    size: int = 0
    """Bytes."""
    mode: int = 0
    """``st_mode``."""
