"""The lines of a text file, however long it or they are."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from workbench.errors import WorkbenchError

LENGTH = 64 << 10
"""Bytes of a line that are kept."""
LINES = 1 << 21
"""Lines that are read: two for each connection that one address can have to another."""


def lines_of(path: str | Path) -> Iterator[str]:
    """Each line without its end; bytes that are no UTF-8 come as lone surrogates (surrogateescape).

    Only a newline ends a line: names of processes may contain what else Unicode counts among line ends. Raises
    WorkbenchError, at the first step, for a file that cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            within = False
            for _ in range(LINES):
                line = file.readline(LENGTH)
                if not line:
                    return
                if not within:
                    yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")
                within = not line.endswith(b"\n")
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}") from error


def first_lines(text: str, count: int = 20) -> Iterator[str]:
    """The first lines of a text that was read already."""
    return islice((line.rstrip("\r") for line in text[:LENGTH].split("\n")), count)
