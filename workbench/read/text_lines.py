"""The lines of a text file, however long it or they are."""

from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

from workbench.errors import WorkbenchError

LENGTH = 64 << 10
"""Bytes of a line that are kept."""
LINES = 104_000
"""Lines that are read: two for each of 52 000 connections."""
SIZE = 32 << 20
"""Bytes of all lines that are read."""


def lines_of(path: str | Path, tell: Callable[[str], object] = lambda _: None) -> Iterator[str]:
    """Each line without its end; bytes that are no UTF-8 come as lone surrogates (surrogateescape).

    Only a newline ends a line: names of processes may contain what else Unicode counts among line ends. ``tell`` hears,
    at the last step, if the file goes on where the reading ends. Raises WorkbenchError, at the first step, for a file
    that cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            within = False
            left = SIZE
            for number in count():
                line = file.readline(LENGTH)
                if not line:
                    return
                left -= len(line)
                if number == LINES or left < 0:
                    tell(f"only the first {number} lines of {path} were looked at")
                    return
                if not within:
                    yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")
                within = not line.endswith(b"\n")
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}") from error


def first_lines(text: str, number: int = 20) -> Iterator[str]:
    """The first lines of a text that was read already."""
    return islice((line.rstrip("\r") for line in text[:LENGTH].split("\n")), number)
