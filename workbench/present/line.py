"""Lines of text whose parts have a meaning for the eye; colours belong to whoever draws them."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from workbench.present.width import cell_width, fitting

NO_BREAK = "\u00a0"
"""A space at which no line is broken."""
_PARTS = re.compile(r"[^ ]* +|[^ ]+")
_LABEL = re.compile(r" *[^ ]+(?: [^ ]+)? {2,}")


class Tone(StrEnum):
    """What a piece of text is to the eye; never the only bearer of a meaning, since colour may be off."""

    NORMAL = "normal"
    DIM = "dim"
    STRONG = "strong"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    LOCK = "lock"
    """A network lock and what it holds."""
    MOVING = "moving"
    """Bytes on their way, a step that runs."""
    HEADING = "heading"


Piece = tuple[str, Tone]
Line = tuple[Piece, ...]


def line(*pieces: str | Piece) -> Line:
    """A line of pieces; bare text is of tone normal."""
    return tuple((piece, Tone.NORMAL) if isinstance(piece, str) else piece for piece in pieces)


def heading(text: str) -> Line:
    """A line of its own that names what follows."""
    return ((text, Tone.HEADING),)


def plain(pieces: Line) -> str:
    """The text alone, with ordinary spaces."""
    return "".join(text for text, _ in pieces).replace(NO_BREAK, " ").rstrip()


def plain_lines(lines: Iterable[Line]) -> list[str]:
    """The text of each line alone."""
    return [plain(each) for each in lines]


def wrapped(lines: Iterable[Line], width: int) -> Iterator[Line]:
    """Break lines wider than ``width`` cells at spaces; the rest hangs under the text that follows the label."""
    for each in lines:
        if sum(cell_width(text) for text, _ in each) <= width:
            yield each
        else:
            yield from _broken(each, max(width, 8))


def _broken(pieces: Line, width: int) -> Iterator[Line]:
    text = plain(pieces)
    indent = min(_hang(text), width // 2)
    row: list[Piece] = []
    used = 0
    for word in _words(pieces):
        size = sum(cell_width(text) for text, _ in word)
        bare = size - len(word[-1][0]) + len(word[-1][0].rstrip(" "))
        if used + bare > width and used > indent:
            yield tuple(row)
            row, used = [(" " * indent, Tone.NORMAL)], indent
        for text, tone in word:
            while used + cell_width(text.rstrip(" ")) > width:
                # At least one character, or a wide one on a narrow line would never end.
                cut = max(fitting(text, width - used), 1)
                yield (*row, (text[:cut], tone))
                row, used, text = [(" " * indent, Tone.NORMAL)], indent, text[cut:]
            row.append((text, tone))
            used += cell_width(text)
    if row:
        yield tuple(row)


def _hang(text: str) -> int:
    """Where later lines begin: under the text of a labelled line (two spaces after the label), else two further in."""
    start = len(text) - len(text.lstrip())
    label = _LABEL.match(text)
    return label.end() if label and label.end() <= 20 else start + 2


def _words(pieces: Line) -> Iterator[list[Piece]]:
    """Each word, of one or more pieces, with the spaces that follow it; leading spaces are a word of their own."""
    word: list[Piece] = []
    for text, tone in pieces:
        for part in _PARTS.findall(text):
            if word and word[-1][0].endswith(" ") and not part.startswith(" "):
                yield word
                word = []
            word.append((part, tone))
    if word:
        yield word
