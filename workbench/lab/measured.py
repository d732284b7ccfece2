"""What an act of a course measured, as lines for a person: a value a line, a table for a list of rows."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.present.text import printable

_WORDS = {
    "out_segments": "segments out",
    "out_bytes": "bytes out",
    "out_resets": "resets out",
    "in_segments": "segments in",
    "in_bytes": "bytes in",
}


def measured_lines(measured: Mapping[str, object]) -> Iterator[str]:
    """Columns of a table are the keys of its first row."""
    for name, value in measured.items():
        rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
        if rows:
            yield from _table(rows)
        else:
            yield f"  {printable(name.replace('_', ' '))}: {_text(value)}"


def _table(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    keys = [key for key in rows[0] if key != "title"]
    heads = [_WORDS.get(key, key.replace("_ms", " ms").replace("_", " ")) for key in keys]
    cells = [[_text(row.get(key)) for key in keys] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    numeric = [all(isinstance(row.get(key), int | float) for row in rows) for key in keys]
    for line in (heads, *cells):
        parts = zip(line, widths, numeric, strict=True)
        yield "  " + "  ".join(text.rjust(width) if number else text.ljust(width) for text, width, number in parts)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(str(name))} {_text(item)}" for name, item in value.items())
    return printable(str(value))
