"""Lines of CRIU that a terminal, a mail or a form has broken: the second part is put back behind the first."""

import re
from collections.abc import Iterable

SHORTEST = 60
"""Characters before which nothing breaks a line."""
WIDE = 80
"""Characters from which on it is a terminal that broke the line, anywhere; others break at a blank, which is lost."""

_BROKEN = re.compile(r"(?:Error|Warn) *\(")
_WHOLE = re.compile(rf"{_BROKEN.pattern}|\(\d+\.\d{{6}}\)|[$#@]")
"""In a line that stands for itself: what CRIU printed, a prompt."""
# Child programs, CRIU's own subjects and the parasite begin with a name and a colon, everybody else not in lower case.
_REST = re.compile(r"(?:> ?)?(?P<rest>(?!ip6?tables|pie\b|line \d|[\w.\-]+(?:\[\d+\])?:)(?:[a-z].*|-?\d+))", re.ASCII)


def unwrapped(lines: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """The numbered lines, an error or a warning of CRIU with its rest, which then is no line of its own."""
    whole: list[tuple[int, str]] = []
    previous: tuple[int, str] | None = None
    for number, text in lines:
        rest = _rest(previous[1], text) if previous is not None and number == previous[0] + 1 else None
        if previous is not None and rest is not None:
            whole[-1] = (previous[0], f"{previous[1]}{'' if len(previous[1]) >= WIDE else ' '}{rest}")
            previous = None
        else:
            previous = (number, text)
            whole.append(previous)
    return whole


def _rest(first: str, second: str) -> str | None:
    """What of the second line belongs to the first."""
    if len(first) < SHORTEST or first.endswith((".", "…")) or not _BROKEN.search(first) or _WHOLE.search(second):
        return None
    match = _REST.fullmatch(second)
    return match["rest"] if match else None
