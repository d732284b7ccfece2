"""What an act of a course measured, as lines for a person: a value a line, a table for a list of rows."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from workbench.present.text import printable

_WORDS = {
    "out_segments": "segments out",
    "out_bytes": "bytes out",
    "out_resets": "resets out",
    "in_segments": "segments in",
    "in_bytes": "bytes in",
}


def measured_lines(measured: Mapping[str, object], width: int | None = None) -> Iterator[str]:
    """Columns of a table are the keys of its first row; one that is wider than ``width`` cells is told in parts."""
    for name, value in measured.items():
        rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
        if rows:
            yield from _table(rows, width)
        else:
            yield f"  {printable(name.replace('_', ' '))}: {_text(value)}"


def _table(rows: Sequence[Mapping[str, object]], width: int | None) -> Iterator[str]:
    keys = [key for key in rows[0] if key != "title"]
    columns = [_column(key, rows) for key in keys]
    named = 1 if len({row.get(keys[0]) for row in rows}) == len(rows) else 2
    first, rest = columns[:named], columns[named:]
    for number, part in enumerate(_parts(first, rest, width)):
        if number:
            yield ""
        yield from ("  " + "  ".join(cells) for cells in zip(*first, *part, strict=True))


def _column(key: str, rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Its heading and its cells, all of the same width."""
    head = _WORDS.get(key, key.replace("_ms", " ms").replace("_", " "))
    cells = [head, *(_text(row.get(key)) for row in rows)]
    width = max(map(len, cells))
    is_numeric = all(isinstance(row.get(key), int | float) for row in rows)
    return [cell.rjust(width) if is_numeric else cell.ljust(width) for cell in cells]


def _parts(first: list[list[str]], rest: list[list[str]], width: int | None) -> Iterator[list[list[str]]]:
    """As many columns at a time as fit beside those that name a row."""
    room = inf if width is None else width - sum(len(column[0]) + 2 for column in first)
    part: list[list[str]] = []
    for column in rest:
        if part and sum(len(each[0]) + 2 for each in (*part, column)) > room:
            yield part
            part = []
        part.append(column)
    yield part


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(str(name))} {_text(item)}" for name, item in value.items())
    return printable(str(value))
