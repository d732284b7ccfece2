"""Tables as values: columns with their widths and priorities, rows with what they sort by, and what fits where."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from workbench.evidence import Gap
from workbench.present.line import Piece, Tone
from workbench.present.width import cell_width, fit, fit_end

EXTRA = 10
WEIGHTY = 5
"""Columns that leave later than this one's order are given room first."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``key`` is also its entry in the glossary."""

    key: str
    title: str
    letter: str
    """Sorts by this column after ``s``; unique within the table."""
    least: int
    """Cells below which it is not worth showing."""
    most: int = 40
    """Cells beyond which even its widest text is cut."""
    leaves: int = 0
    """Order in which columns vanish when there is no room: the highest first; 0 stays. Those from ``EXTRA`` on
    are shown only where all others have the room that they want."""
    right: bool = False
    keep_end: bool = False
    """Cut at the start: of an address the port matters most."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row; all texts are printable."""

    key: Hashable
    """The same thing has the same key in every round: the cursor stays with it."""
    cells: tuple[str, ...]
    order: tuple[Any, ...]
    """What each column sorts by."""
    subject: object
    """The record that the row shows."""
    tones: tuple[Tone, ...] = ()
    """Of each cell; empty: all normal."""
    mark: Piece = (" ", Tone.NORMAL)
    """One cell before the row: ``!`` where a finding concerns its subject."""

    def matches(self, words: Sequence[str]) -> bool:
        """Whether every word (lower case) stands somewhere in the row."""
        text = " ".join((self.mark[0], *self.cells)).lower()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A list of one kind of thing at one moment, in the order in which it is best read."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    gap: Gap | None = None
    """Why there are no rows, where they could not be read."""
    empty: str = ""
    """What to say when there is nothing."""
    widths: tuple[int, ...] = field(default=())
    """Cells that the contents of each column take, at most ``Column.most``; 0: it is empty and need not be shown."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """By which column; None is the order of the table."""

    column: str | None = None
    reverse: bool = False


def make_table(columns: tuple[Column, ...], rows: Sequence[Row], empty: str) -> Table:
    """A table whose widths are measured: done once a round, away from the thread that draws."""
    widths = tuple(_content_width(column, [row.cells[number] for row in rows]) for number, column in enumerate(columns))
    return Table(columns, tuple(rows), None, empty, widths)


def unreadable(columns: tuple[Column, ...], gap: Gap) -> Table:
    """The table of a section that could not be read."""
    return Table(columns, (), gap)


def arranged(table: Table, filter_text: str, sorting: Sorting) -> Sequence[Row]:
    """The rows that contain every word of ``filter_text``, sorted; equal ones in the order of the table."""
    rows: Sequence[Row] = table.rows
    words = filter_text.lower().split()
    if words:
        rows = [row for row in rows if row.matches(words)]
    number = next((n for n, column in enumerate(table.columns) if column.key == sorting.column), None)
    if number is not None:
        return sorted(rows, key=lambda row: row.order[number], reverse=sorting.reverse)
    return rows[::-1] if sorting.reverse else rows


def placed(table: Table, width: int) -> tuple[tuple[int, int], ...]:
    """(number of the column, its width) for those that fit into ``width`` cells, one space between them.

    Columns leave in their order until the least widths fit; what is left is dealt out, a cell to each
    whose contents need more, the weighty ones first, then all of it to the last one.
    """
    shown = [number for number in range(len(table.columns)) if _content(table, number)]
    shown = _without(
        table, shown, EXTRA, lambda left: sum(_content(table, each) for each in left) + len(left) - 1 > width
    )
    shown = _without(table, shown, 1, lambda left: _needed(table, left) > width)
    room = width - _needed(table, shown)
    sizes = {number: _least(table, number) for number in shown}
    for wanting in _by_weight(table, shown):
        while room > 0 and (wanting := [number for number in wanting if sizes[number] < _content(table, number)]):
            for number in wanting[:room]:
                sizes[number] += 1
                room -= 1
    if room > 0 and shown and not table.columns[shown[-1]].right:
        sizes[shown[-1]] += room
    return tuple((number, sizes[number]) for number in shown)


def heading_text(column: Column, width: int, sorting: Sorting) -> str:
    """The heading of a column, with a sign if the table is sorted by it."""
    title = column.title
    if column.key == sorting.column:
        title = f"{title[: width - 1]}{'^' if sorting.reverse else 'v'}"
    return fit(title, width, right=column.right)


def cell_text(column: Column, text: str, width: int) -> str:
    """A cell in exactly ``width`` cells of the terminal."""
    return fit_end(text, width) if column.keep_end else fit(text, width, right=column.right)


def table_as_text(table: Table, rows: Sequence[Row]) -> str:
    """All columns of the rows, aligned: for the clipboard or a file."""
    return "\n".join(aligned_lines(table.columns, lambda: (row.cells for row in rows)))


def aligned_lines(columns: Sequence[Column], cells: Callable[[], Iterable[Sequence[str]]]) -> Iterator[str]:
    """A heading and a line for each row; ``cells`` gives them from the first one on each time, since they are many."""
    heading = [column.title for column in columns]
    widths = [0] * len(columns)
    for row in chain([heading], cells()):
        widths = [max(width, cell_width(cell)) for width, cell in zip(widths, row, strict=True)]
    for row in chain([heading], cells()):
        fitted = (
            fit(cell, width, right=column.right) for cell, width, column in zip(row, widths, columns, strict=True)
        )
        yield "  ".join(fitted).rstrip()


def _by_weight(table: Table, shown: Sequence[int]) -> tuple[list[int], list[int]]:
    """Columns that are wide for a reason, and those that leave before them."""
    first = [number for number in shown if table.columns[number].leaves < WEIGHTY]
    return first, [number for number in shown if number not in first]


def _without(table: Table, shown: list[int], leaves: int, too_wide: Callable[[list[int]], bool]) -> list[int]:
    """Take columns away, the first to leave first and none below ``leaves``, until they fit."""
    while too_wide(shown):
        last = max(shown, key=lambda number: (table.columns[number].leaves, number))
        if table.columns[last].leaves < leaves:
            break
        shown = [number for number in shown if number != last]
    return shown


def _content_width(column: Column, cells: Sequence[str]) -> int:
    widest = max(map(len if "".join(cells).isascii() else cell_width, cells), default=0)
    if not widest:
        return 0 if cells else cell_width(column.title)
    return min(max(cell_width(column.title), widest), column.most)


def _least(table: Table, number: int) -> int:
    """A column whose contents are narrower than its least width takes no more; of a number no digit is cut."""
    content = max(_content(table, number), 1)
    return content if table.columns[number].right else min(table.columns[number].least, content)


def _content(table: Table, number: int) -> int:
    return table.widths[number] if table.widths else cell_width(table.columns[number].title)


def _needed(table: Table, shown: Sequence[int]) -> int:
    return sum(_least(table, number) for number in shown) + len(shown) - 1
