"""Where the files of a dump lie: in a directory, or in memory because they came out of an archive."""

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

from workbench.errors import WorkbenchError
from workbench.read.image_file import Absent, Damage

SIZE_LIMIT = 1 << 26
"""Bytes of one file that are read; images of memory pages, which may be larger, are not read at all."""

_HINT = "name the directory that was given to criu with -D (--images-dir)"


def is_image_name(name: str) -> bool:
    """Whether CRIU gives such a name to an image."""
    return name.endswith(".img") or name in {"stats-dump", "stats-restore"}


class ImageStore(Protocol):
    """The image files of one dump."""

    @property
    def path(self) -> str:
        """What a person calls the place."""

    @property
    def names(self) -> Collection[str]: ...

    @property
    def size_bytes(self) -> int:
        """Of all of them together."""

    @property
    def modified(self) -> float:
        """When the newest was written, seconds since the epoch."""

    def content(self, name: str) -> bytes:
        """One file. Raises Absent, or Damage for what cannot be read."""


@dataclass(frozen=True, slots=True)
class MemoryStore:
    """Files that were read already."""

    path: str
    files: Mapping[str, bytes]
    size_bytes: int
    modified: float
    left_out: frozenset[str] = frozenset()
    """Names of files that are there and were not read: memory pages, and what is too large."""

    @property
    def names(self) -> Collection[str]:
        return self.files.keys() | self.left_out

    def content(self, name: str) -> bytes:
        if name in self.left_out:
            raise Damage("was too large to be read")
        try:
            return self.files[name]
        except KeyError as error:
            raise Absent("is missing") from error


@dataclass(frozen=True, slots=True)
class DirectoryStore:
    """A directory as it is now."""

    path: str
    names: frozenset[str]
    size_bytes: int
    modified: float

    def content(self, name: str) -> bytes:
        return read_regular(f"{self.path}/{name}", SIZE_LIMIT)


def open_directory(path: str | Path) -> DirectoryStore:
    """List a directory. Raises WorkbenchError if it cannot be read or holds no images."""
    names, size, modified = set(), 0, 0.0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if is_image_name(entry.name):
                    status = entry.stat(follow_symlinks=False)
                    names.add(entry.name)
                    size += status.st_size
                    modified = max(modified, status.st_mtime)
    except FileNotFoundError as error:
        raise WorkbenchError(f"There is no directory {path}", _HINT) from error
    except NotADirectoryError as error:
        raise WorkbenchError(f"{path} is not a directory", _HINT) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WorkbenchError(f"The directory {path} cannot be read: {reason}", "run the workbench as root") from error
    if not names:
        raise WorkbenchError(f"{path} holds no CRIU images", _HINT)
    return DirectoryStore(os.fspath(path), frozenset(names), size, modified)


def read_regular(path: str | Path, limit: int) -> bytes:
    """A file that lies among others. Raises Absent, or Damage if it is no regular file, too large or unreadable."""
    try:
        # O_NONBLOCK: opening a FIFO that lies in the directory must not wait for its writer
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            return _content(file, limit)
    except FileNotFoundError as error:
        raise Absent("is missing") from error
    except OSError as error:
        raise Damage(f"cannot be read: {error.strerror}") from error


def _content(file: FileIO, limit: int) -> bytes:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise Damage("is no regular file")
    if status.st_size > limit:
        raise Damage(f"is too large to be read ({status.st_size} bytes)")
    parts = []
    left = status.st_size
    while left > 0 and (part := file.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
