"""Reading /proc: every file may vanish, or be refused, between two calls."""

import os
from pathlib import Path

PROC = Path("/proc")


def read(path: str | Path) -> bytes | None:
    """The whole file; None if it is gone or may not be read.

    proc(5) files tell no size, and open(2) and read(2) alone cost half of what Python's buffered files do.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        parts = []
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    except OSError:  # ESRCH: the process ended in between
        return None
    finally:
        os.close(descriptor)


def names(path: str | Path | int) -> list[str]:
    """Entries of a directory, given by path or descriptor. Raises OSError."""
    return os.listdir(path)  # noqa: PTH208 - a Path for each of 200 000 descriptors costs more than the listing


def readlink(path: str | Path, directory: int | None = None) -> str:
    """Target of a link, whose path begins at the descriptor ``directory`` if there is one. Raises OSError."""
    return os.readlink(path, dir_fd=directory)


def pids(proc: Path = PROC) -> list[int]:
    """Every process (thread group) in the pid namespace of ``proc``, ascending; empty if there is no proc."""
    try:
        return sorted(int(name) for name in names(proc) if name.isdecimal())
    except OSError:
        return []


def link_inode(path: str | Path, kind: str) -> int | None:
    """The number in a link such as ``net:[4026531833]``; None if it is gone, refused or of another kind."""
    try:
        return inode_of(readlink(path), kind)
    except OSError:
        return None


def inode_of(target: str, kind: str) -> int | None:
    """The number in a link text such as ``socket:[19934]``; None if the text is of another kind."""
    if not (target.startswith(f"{kind}:[") and target.endswith("]")):
        return None
    number = target[len(kind) + 2 : -1]
    return int(number) if number.isdecimal() else None
