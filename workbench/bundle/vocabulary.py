"""Words and names that may stand in a bundle as they are, since they tell nothing of a host."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_DIRECTIVE = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?[a-zA-Z%]")


def messages() -> tuple[str, ...]:
    """What CRIU and the programs that it runs print, as format strings of printf(3)."""
    return tuple(line for name in ("criu_messages.txt", "other_messages.txt") for line in _lines(name))


@cache
def words() -> frozenset[str]:
    """In small letters."""
    own = {word.lower() for line in _lines("words.txt") for word in re.split(r"[\s_-]+", line) if word}
    said = {word.lower() for line in messages() for word in _WORD.findall(_DIRECTIVE.sub(" ", line))}
    return frozenset(own | said)


@cache
def names(kind: str) -> frozenset[str]:
    """Names of one kind: ``programs``, ``users``, ``directories`` or ``extensions``."""
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
