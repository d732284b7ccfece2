"""Images that somebody here would look for: of our own operations, connections in files, the current directory's."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evidence import ImageDirectory
from workbench.operation.journal import entries, state_directory
from workbench.read.criu_images import read_image_directory
from workbench.read.state_file import read_state, read_state_as_images

INVENTORY = "inventory.img"
MOST = 200


def images_directory() -> Path:
    """Where images go unless somebody says otherwise."""
    return state_directory() / "images"


class KnownImages:
    """Reads a directory again only when something in it has changed."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[int, ImageDirectory]] = {}
        self._added: tuple[Path, ...] = ()

    def add(self, path: Path) -> None:
        """List this directory too, and those in it, or this connection. Raises WorkbenchError if it is none of them."""
        try:
            place = path.expanduser().absolute()
            if place.is_file():
                read_state(place)
                found = [place]
            else:
                found = list(_images_in(place))
        except OSError as error:
            raise WorkbenchError(f"{path} cannot be read: {error.strerror}") from error
        if not found:
            raise WorkbenchError(
                f"{path} holds no images of CRIU", f"there is no {INVENTORY} in it or directly below it"
            )
        self._added = (*self._added, *found)

    def __call__(self) -> tuple[ImageDirectory, ...]:
        """Every image directory that is known and still there."""
        found = {}
        for path in list(dict.fromkeys((*self._added, *_places())))[:MOST]:
            entry = self._look(path)
            if entry is not None:
                found[path] = entry
        self._read = found
        return tuple(images for _, images in found.values())

    def _look(self, path: Path) -> tuple[int, ImageDirectory] | None:
        try:
            changed = path.stat().st_mtime_ns
            inventory = path / INVENTORY
            if inventory.exists():
                changed = max(changed, inventory.stat().st_mtime_ns)
            known = self._read.get(path)
            if known and known[0] == changed:
                return known
            return changed, read_state_as_images(path) if path.is_file() else read_image_directory(path)
        except (OSError, WorkbenchError):
            return None


def _places() -> Iterator[Path]:
    for entry in entries():
        yield Path(str(entry.begun.get("images", "")))
    for base in (images_directory(), Path.cwd()):
        with contextlib.suppress(OSError):
            yield from _images_in(base)


def _images_in(base: Path) -> Iterator[Path]:
    """A directory if it holds images, and those directly below it that do. Raises OSError."""
    below = sorted(base.iterdir())
    yield from (path for path in (base, *below) if (path / INVENTORY).exists())
