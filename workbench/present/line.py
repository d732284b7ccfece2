"""Lines of text whose parts have a meaning for the eye; colours belong to whoever draws them."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from workbench.present.width import cell_width, fitting


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
    """The text alone."""
    return "".join(text for text, _ in pieces).rstrip()


def plain_lines(lines: Iterable[Line]) -> list[str]:
    """The text of each line alone."""
    return [plain(each) for each in lines]


def wrapped(lines: Iterable[Line], width: int) -> Iterator[Line]:
    """Break lines wider than ``width`` cells at spaces; the rest is indented as the line began, and two more."""
    for each in lines:
        if sum(cell_width(text) for text, _ in each) <= width:
            yield each
        else:
            yield from _broken(each, max(width, 8))


def _broken(pieces: Line, width: int) -> Iterator[Line]:
    text = plain(pieces)
    indent = min(len(text) - len(text.lstrip()) + 2, width // 2)
    row: list[Piece] = []
    used = 0
    for word, tone in _words(pieces):
        size = cell_width(word)
        if used + cell_width(word.rstrip()) > width and used > indent:
            yield tuple(row)
            row, used = [(" " * indent, Tone.NORMAL)], indent
            word = word.lstrip()
            size = cell_width(word)
        while used + cell_width(word.rstrip()) > width:
            # At least one character, or a wide one on a narrow line would never end.
            cut = max(fitting(word, width - used), 1)
            yield (*row, (word[:cut], tone))
            row, used, word = [(" " * indent, Tone.NORMAL)], indent, word[cut:]
            size = cell_width(word)
        row.append((word, tone))
        used += size
    if row:
        yield tuple(row)


def _words(pieces: Line) -> Iterator[Piece]:
    """Each word with the spaces that follow it; leading spaces are a word of their own."""
    for text, tone in pieces:
        start = 0
        for position in range(1, len(text)):
            if text[position - 1] == " " != text[position]:
                yield text[start:position], tone
                start = position
        if text:
            yield text[start:], tone
