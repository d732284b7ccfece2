"""Textual's driver on a terminal that may hang up at any moment."""

import contextlib
from typing import Any, TextIO

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class PatientFile:
    """A terminal to write to; once it has hung up, what is written is lost and nobody fails.

    Textual writes in a thread that an OSError would end: its queue would fill, and the application wait for ever in the
    next write, before it could turn back an operation that is held.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class PatientDriver(LinuxDriver):
    """``LinuxDriver`` with such a file."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if self._file is not None:
            self._file = PatientFile(self._file)  # type: ignore[assignment]  # all that its thread asks of a file
