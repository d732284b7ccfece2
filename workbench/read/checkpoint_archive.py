"""Checkpoint archives of podman, CRI-O (Kubernetes) and containerd: tar, gzip or zstd, read without unpacking.

    config.dump  spec.dump  network.status  status.dump  bind.mounts  deleted.files     JSON
    checkpoint/*.img  stats-dump  dump.log  restore.log                                 CRIU's
    rootfs-diff.tar  volumes/  artifacts/  ctr.log  devshm-checkpoint.tar               passed over

The same beneath a directory of its own for each container; and image directories that somebody packed.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evidence import ContainerCheckpoint, ImageDirectory
from workbench.read.byte_stream import open_stream
from workbench.read.container_metadata import METADATA, container_of
from workbench.read.criu_images import read_images
from workbench.read.image_file import Damage
from workbench.read.image_store import MemoryStore, is_image_name
from workbench.read.tar_stream import Content, Member, members

KEPT = 32 << 20
"""Bytes of all members together that are kept."""
LOG_LIMIT = 8 << 20
METADATA_LIMIT = 2 << 20

LOGS = frozenset({"dump.log", "restore.log"})
_NEEDED = re.compile(
    r"(?:inventory|pstree|files|inetsk|remap-fpath|(?:core|ids|fdinfo|netns|tcp-stream)-[0-9a-f]+)\.img|stats-\w+"
)
_HINT = "name an archive that podman, CRI-O or containerd has made of a container"


@dataclass(frozen=True, slots=True)
class CheckpointArchive:
    """What one file holds."""

    containers: tuple[ContainerCheckpoint, ...]
    images: tuple[ImageDirectory, ...]
    logs: Mapping[str, bytes]
    """By path: the archive's, and the name within."""


def read_checkpoint_archive(path: str | Path) -> CheckpointArchive:
    """Read an archive once from front to end.

    Raises WorkbenchError if it cannot be read, is damaged or truncated, holds no checkpoint, or is made to harm whoever
    unpacks it: names that lead elsewhere, links or devices in the place of files, absurd sizes.
    """
    reading = _Reading(str(path))
    try:
        with open_stream(path) as stream:
            for member, content in members(stream):
                reading.take(member, content)
    except Damage as damage:
        raise WorkbenchError(f"{path} {damage}", _HINT if "no tar archive" in str(damage) else "") from damage
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}") from error
    return reading.archive()


@dataclass
class _Directory:
    """What is kept of one directory of the archive."""

    metadata: dict[str, bytes] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    other_images: set[str] = field(default_factory=set)
    """Names of images that are not needed, and are not read."""
    logs: dict[str, bytes] = field(default_factory=dict)
    image_bytes: int = 0
    modified: float = 0.0
    changed_bytes: int | None = None
    problems: list[str] = field(default_factory=list)


class _Reading:
    """One reading: keeps what tells something, by directory."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept = 0
        self._directories: dict[str, _Directory] = defaultdict(_Directory)

    def take(self, member: Member, content: Content) -> None:
        """Keep a member or pass over it. Raises Damage."""
        where, _, name = member.name.rpartition("/")
        if member.kind == "directory" or (member.kind == "symlink" and name == "parent"):  # criu --prev-images-dir
            return
        if member.kind in {"symlink", "link", "special"}:
            raise Damage(f"holds something else than a file under the name {member.name[:60]}")
        image = is_image_name(name)
        if not image and name not in METADATA and name not in LOGS and name != "rootfs-diff.tar":
            return
        directory = self._directories[where]
        if name == "rootfs-diff.tar":
            directory.changed_bytes = member.size
        elif image:
            directory.image_bytes += member.size
            directory.modified = max(directory.modified, member.modified)
            if _NEEDED.fullmatch(name):
                directory.images[name] = self._content(member, content, KEPT)
            else:
                directory.other_images.add(name)
        elif name in METADATA:
            directory.metadata[name] = self._content(member, content, METADATA_LIMIT)
        elif member.size <= LOG_LIMIT:
            directory.logs[name] = self._content(member, content, LOG_LIMIT)
        else:
            directory.problems.append(f"{name} has {member.size} bytes and was not read")

    def _content(self, member: Member, content: Content, limit: int) -> bytes:
        if member.kind == "sparse":
            raise Damage(f"holds {member.name[:60]} with its holes left out (tar --sparse): pack it without")
        self._kept += member.size
        if member.size > limit or self._kept > KEPT:
            raise Damage(f"is too large: with {member.name[:60]} more than is read of one archive")
        return content.read()

    def archive(self) -> CheckpointArchive:
        """Everything that was kept, told apart. Raises WorkbenchError if that is nothing."""
        found: list[ImageDirectory] = []
        containers: list[ContainerCheckpoint] = []
        logs: dict[str, bytes] = {}
        for where in sorted(self._directories):
            here = self._directories[where]
            logs.update({f"{self._place(where)}/{name}": content for name, content in sorted(here.logs.items())})
            if any(name.endswith(".img") for name in (*here.images, *here.other_images)):
                found.append(self._images(where, here))
            if {"config.dump", "spec.dump"} & here.metadata.keys():
                containers.append(self._container(where, here))
        if not found and not containers:
            raise WorkbenchError(f"{self._path} holds no checkpoint: neither config.dump nor images of CRIU's", _HINT)
        return CheckpointArchive(tuple(containers), tuple(found), logs)

    def _place(self, where: str) -> str:
        return f"{self._path}/{where}" if where else self._path

    def _images(self, where: str, here: _Directory) -> ImageDirectory:
        """The images of a directory; engines put CRIU's statistics beside their directory."""
        parent = self._directories.get(where.rpartition("/")[0]) if where else None
        beside = {name: content for name, content in (parent.images if parent else {}).items() if "stats-" in name}
        return read_images(
            MemoryStore(
                self._place(where),
                {**beside, **here.images},
                here.image_bytes,
                here.modified,
                frozenset(here.other_images),
            )
        )

    def _container(self, where: str, here: _Directory) -> ContainerCheckpoint:
        inside = f"{where}/checkpoint" if where else "checkpoint"
        place = next((name for name in (inside, where) if self._has_images(name)), None)
        problems = list(here.problems)
        if place is None:
            problems.append("there are no images of CRIU's in it")
        return container_of(
            self._path, None if place is None else self._place(place), here.metadata, here.changed_bytes, problems
        )

    def _has_images(self, where: str) -> bool:
        here = self._directories.get(where)
        return here is not None and any(name.endswith(".img") for name in here.images)
