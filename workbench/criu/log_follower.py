"""CRIU's log while it is being written."""

import ctypes
import os
import select
from pathlib import Path

from workbench.evidence import LogLine
from workbench.read.criu_log import parse_line

IN_MODIFY, IN_CREATE, IN_NONBLOCK, IN_CLOEXEC = 0x2, 0x100, 0x800, 0x80000
LONGEST_LINE = 64 * 1024
"""A line longer than this is cut; CRIU's own are below 4 KiB."""


class LogFollower:
    """Gives the lines of a log as they come; the file need not exist yet, its directory must."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file: int | None = None
        self._rest = b""
        self._number = 0
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify: int = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self._inotify >= 0:
            libc.inotify_add_watch(self._inotify, os.fsencode(self._path.parent), IN_MODIFY | IN_CREATE)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until something in the directory was written, or ``timeout`` seconds; whether it was."""
        if not select.select([self._inotify], [], [], timeout)[0]:
            return False
        os.read(self._inotify, 64 * 1024)
        return True

    def new_lines(self) -> list[LogLine]:
        """Complete lines that came since the last call; never blocks."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError:  # not written yet, or a link that somebody else put there
                return []
        lines: list[LogLine] = []
        while chunk := os.read(self._file, 1 << 16):
            *complete, self._rest = (self._rest + chunk).split(b"\n")
            lines += [self._parsed(line) for line in complete]
            self._rest = self._rest[:LONGEST_LINE]
        return lines

    def last_words(self) -> list[LogLine]:
        """New lines and, at the end of everything, a last one without its newline."""
        lines = self.new_lines()
        if self._rest:
            lines.append(self._parsed(self._rest))
            self._rest = b""
        return lines

    def close(self) -> None:
        """Release the file and the watch."""
        for fd in (self._file, self._inotify):
            if fd is not None and fd >= 0:
                os.close(fd)
        self._file, self._inotify = None, -1

    def _parsed(self, line: bytes) -> LogLine:
        self._number += 1
        return parse_line(self._number, line[:LONGEST_LINE].decode("utf-8", "surrogateescape"))
