"""A container's checkpoint that lies unpacked: an archive's contents, or what podman keeps of it (userdata)."""

from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evidence import ImageDirectory
from workbench.read.checkpoint_archive import LOG_LIMIT, LOGS, METADATA_LIMIT, CheckpointArchive
from workbench.read.container_metadata import METADATA, container_of
from workbench.read.criu_images import read_images
from workbench.read.image_file import Absent, Damage
from workbench.read.image_store import open_directory, read_regular
from workbench.read.recognise import CHECKPOINT


def read_checkpoint_directory(path: str | Path) -> CheckpointArchive:
    """Read it like an archive of the same. Raises WorkbenchError without pycriu, or if nothing of it can be read."""
    place, problems = Path(path), []
    metadata: dict[str, bytes] = {}
    logs: dict[str, bytes] = {}
    for names, kept, limit in ((METADATA, metadata, METADATA_LIMIT), (LOGS, logs, LOG_LIMIT)):
        for name in sorted(names):
            try:
                kept[name] = read_regular(place / name, limit)
            except Absent:
                continue
            except Damage as damage:
                problems.append(f"{name} {damage}")
    images: tuple[ImageDirectory, ...] = ()
    try:
        store = open_directory(place / CHECKPOINT)
    except WorkbenchError:
        problems.append("there are no images of CRIU's in it")
    else:
        images = (read_images(store),)
    container = container_of(str(place), images[0].path if images else None, metadata, _changed(place), problems)
    return CheckpointArchive((container,), images, {f"{place}/{name}": content for name, content in logs.items()})


def _changed(place: Path) -> int | None:
    try:
        return (place / "rootfs-diff.tar").stat(follow_symlinks=False).st_size
    except OSError:
        return None
