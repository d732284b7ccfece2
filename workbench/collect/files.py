"""Files of this host by their paths."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.evidence import FileStatus


def collect_files(paths: Iterable[str]) -> Mapping[str, FileStatus]:
    """What each path is now; one that may not be looked at is left out."""
    found: dict[str, FileStatus] = {}
    for path in paths:
        try:
            status = Path(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            found[path] = FileStatus(False)
        except (OSError, ValueError):  # ValueError: a NUL in the path
            continue
        else:
            found[path] = FileStatus(True, status.st_size, status.st_mode)
    return found
