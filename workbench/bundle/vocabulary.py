"""Words and names that may stand in a bundle as they are, since they tell nothing of a host."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files


@cache
def words() -> frozenset[str]:
    """In small letters."""
    lines = (line for name in ("words.txt", "log_words.txt") for line in _lines(name))
    return frozenset(word.lower() for line in lines for word in re.split(r"[\s_-]+", line) if word)


@cache
def names(kind: str) -> frozenset[str]:
    """Names of one kind: ``programs``, ``users``, ``directories``, ``extensions``, ``sources`` or ``images``."""
    found: set[str] = set()
    heading = ""
    for line in _lines("known_names.txt"):
        if line.startswith("["):
            heading = line.strip("[]")
        elif heading == kind:
            found.update(line.split())
    return frozenset(found)


def _lines(name: str) -> Iterator[str]:
    for line in files("workbench.bundle").joinpath(name).read_text("utf-8").splitlines():
        if line and not line.startswith("# "):
            yield line
