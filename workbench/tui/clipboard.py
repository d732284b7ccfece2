"""Copying as text: to the terminal's clipboard, and to a file for terminals that refuse."""

import os
import tempfile
from pathlib import Path

from textual.app import App

COPY_NAME = "workbench-copy.txt"


def copy_text(app: App[int], text: str) -> None:
    """Copy by OSC 52; some terminals ignore it and tmux needs set-clipboard on, so say where else it is."""
    app.copy_to_clipboard(text)
    said = f"Copied {len(text)} characters"
    try:
        said += f"; they are also in {_write(text)}"
    except OSError as error:
        said += f"; not written to a file: {error.strerror}"
    app.notify(said, markup=False, timeout=4)


def _write(text: str) -> Path:
    """The latest copy, in a file that only its owner reads, under XDG_RUNTIME_DIR or a directory of our own."""
    base = os.environ.get("XDG_RUNTIME_DIR") or str(Path(tempfile.gettempdir()) / f"workbench-{os.getuid()}")
    directory = Path(base)
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(1, f"{directory} belongs to somebody else")
    path = directory / COPY_NAME
    # Another user may have put a link there while the directory was made: never follow one.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return path
