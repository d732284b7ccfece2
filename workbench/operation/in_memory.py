"""Directories in memory (tmpfs), for images that need not outlive the host."""

import os
from pathlib import Path

from workbench.collect import procfs
from workbench.operation.journal import state_directory

_SHARED = Path("/dev/shm")  # noqa: S108 - the tmpfs of every host (shm_overview(7)); the directory made there is our own
_SPARE_BYTES = 64 << 20


def place_for(name: str, need_bytes: int) -> Path:
    """A path that does not exist yet: in ``$WORKBENCH_MEMORY``, else in memory if there is room, else on the disk."""
    if chosen := os.environ.get("WORKBENCH_MEMORY"):
        return Path(chosen) / f"workbench-{name}"
    if is_in_memory(_SHARED) and free_bytes(_SHARED) > need_bytes + _SPARE_BYTES:
        return _SHARED / f"workbench-{name}"
    return state_directory() / name


def elsewhere(obstacle: str) -> str:
    """An obstacle about such a place, with the way out that there is: nobody was asked for a directory."""
    return obstacle.replace("choose another image directory (-D)", "make room, or name a directory by WORKBENCH_MEMORY")


def is_in_memory(path: Path) -> bool:
    """Whether a path that exists lies on tmpfs."""
    best, kind = "", ""
    real = os.path.realpath(path)
    for line in (procfs.read("/proc/self/mounts") or b"").decode(errors="surrogateescape").splitlines():
        mounted, found = line.split(" ")[1:3]
        if (real + "/").startswith(mounted.rstrip("/") + "/") and len(mounted) >= len(best):
            best, kind = mounted, found
    return kind in {"tmpfs", "ramfs"}


def free_bytes(path: Path) -> int:
    """On the file system of a path that exists; 0 if it cannot be asked."""
    try:
        room = os.statvfs(path)
    except OSError:
        return 0
    return room.f_bavail * room.f_frsize
