"""How many cells of a terminal a text takes."""

from unicodedata import category, east_asian_width


def cell_width(text: str) -> int:
    """Cells that a printable text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if east_asian_width(character) in "WF":
        return 2
    return 0 if category(character) in {"Mn", "Me", "Cf"} else 1


def fitting(text: str, width: int) -> int:
    """How many characters from the start of ``text`` fit in ``width`` cells."""
    if text.isascii():
        return min(len(text), width)
    size = 0
    for number, character in enumerate(text):
        size += _width(character)
        if size > width:
            return number
    return len(text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells: filled with spaces, or cut and ended with an ellipsis."""
    if cell_width(text) > width:
        text = text[: fitting(text, width - 1)] + "…" if width else ""
    fill = " " * (width - cell_width(text))
    return fill + text if right else text + fill


def fit_end(text: str, width: int) -> str:
    """``text`` in exactly ``width`` cells; where it is too long its start is cut."""
    while cell_width(text) > width:
        excess = cell_width(text) - width + 1
        text = "…" + text[excess + (1 if text.startswith("…") else 0) :] if width > 1 else "…"[:width]
    return text + " " * (width - cell_width(text))
