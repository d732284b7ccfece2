"""The directory that images go to."""

import os
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of an image directory before a dump."""

    path: str
    """Absolute."""
    free_bytes: int | None
    """On its file system."""
    problem: str = ""
    """Why images cannot go there; empty if they can."""


def look_at(images: str) -> Place:
    """Whether images can go to ``images``: absent (it is made then) or empty, on a file system that can be written."""
    path = Path(images).absolute()
    nearest = path
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        status = os.statvfs(nearest)
    except OSError as error:
        return Place(
            str(path), None, f"{path} cannot be looked at: {error.strerror}; choose another image directory (-D)"
        )
    free = status.f_bavail * status.f_frsize
    if not nearest.is_dir():
        return Place(str(path), free, f"{nearest} is not a directory; choose another image directory (-D)")
    if not os.access(nearest, os.W_OK | os.X_OK) or status.f_flag & os.ST_RDONLY:
        return Place(str(path), free, f"{nearest} cannot be written; choose another image directory (-D)")
    try:
        if nearest == path and any(path.iterdir()):
            return Place(
                str(path), free, f"{path} is not empty; choose another image directory (-D), or empty this one"
            )
    except OSError as error:
        return Place(str(path), free, f"{path} cannot be read: {error.strerror}; choose another image directory (-D)")
    return Place(str(path), free)


def make(path: str) -> int:
    """Make the directory if it is not there, and open it. Raises WorkbenchError."""
    try:
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WorkbenchError(
            f"{path} cannot be used: {error.strerror}", "choose another image directory (-D)"
        ) from error
