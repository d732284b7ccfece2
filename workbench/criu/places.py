"""Where things of this installation lie."""

import os
from pathlib import Path


def tree() -> Path | None:
    """The source tree that the package runs from; None for an installed wheel."""
    top = Path(__file__).resolve().parent.parent.parent
    return top if (top / "pyproject.toml").is_file() and (top / "fixtures").is_dir() else None


def private_prefix() -> Path:
    """Directory of the private CRIU: ``.build/criu`` in the tree, else under the user's data directory (XDG)."""
    top = tree()
    if top is not None:
        return top / ".build" / "criu"
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "workbench" / "criu"


def cache_directory() -> Path:
    """Directory for what can be found out again: ``.build`` in the tree, else the user's cache directory (XDG)."""
    top = tree()
    if top is not None:
        return top / ".build"
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "workbench"
