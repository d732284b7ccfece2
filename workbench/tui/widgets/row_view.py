"""A table that draws only the lines in sight: any number of rows, the cursor stays with its row."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.present.line import Line, Piece, Tone, line, plain, wrapped
from workbench.present.table import Row, Sorting, Table, arranged, cell_text, heading_text, placed, table_as_text
from workbench.present.text import printable
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.toned import TONES, Toned

_MARK = 2
"""Cells before each row: the cursor and the mark of the row are signs too, not colours only."""


class RowView(ScrollView, Toned, can_focus=True, inherit_bindings=False):
    """Rows of one table under a heading that stays; filter and sorting survive new rows."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.ROWS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONES, "row-view--cursor", "row-view--heading"}

    @dataclass
    class Moved(Message):
        """The cursor stands on another row, or its row has new contents."""

        row: Row | None

    @dataclass
    class Opened(Message):
        """A row was chosen by Enter or a double click."""

        row: Row

    def __init__(
        self,
        table: Table,
        *,
        on_top: bool = False,
        follow: bool = False,
        again: Sequence[str] = (),
        id: str | None = None,  # noqa: A002
    ) -> None:
        """``on_top``: as long as nobody moves it, the cursor stays on the first row, whichever that is.

        ``follow``: a cursor on the last row stays on the last one.
        ``again``: keys of the columns that together tell a row whose subject was gone and has been made again.
        """
        super().__init__(id=id)
        self._on_top = on_top
        self._follow = follow
        columns = [column.key for column in table.columns]
        self._again = tuple(columns.index(key) for key in again)
        self._missed: Hashable = None
        """What the cursor stood on when that was gone; it goes there if it comes back before anybody moves it."""
        self.following = follow
        """The cursor stays on the last row, whichever that is."""
        self._table = table
        self._rows: Sequence[Row] = ()
        self._cursor = 0
        self._known = False
        self._placed: tuple[tuple[int, int], ...] = ()
        """Number and width of each column that fits."""
        self.filter_text = ""
        self.sorting = Sorting()

    @property
    def cursor_row(self) -> Row | None:
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    @property
    def all_rows(self) -> Sequence[Row]:
        return self._table.rows

    @property
    def shown_count(self) -> int:
        """Rows that the filter lets through."""
        return len(self._rows)

    @property
    def total_count(self) -> int:
        return len(self._table.rows)

    def show(self, table: Table) -> None:
        """New contents; the cursor stays on the row with its key, or where it was if that is gone."""
        before = self.cursor_row
        self._table = table
        self._known = True
        self._arrange()
        if not self._on_top and not self._follow:
            self._stay_with(before)

    def _stay_with(self, before: Row | None) -> None:
        """A process or connection that a restore makes again is the same for whoever looks at it."""
        row = self.cursor_row
        if self._missed is None and before is not None and (row is None or row.key != before.key):
            self._missed = self._identity(before)
        if self._missed is not None:
            found = (number for number, each in enumerate(self._rows) if self._identity(each) == self._missed)
            place = next(found, None)
            if place is not None:
                self._move(place)

    def _identity(self, row: Row) -> Hashable:
        return tuple(row.order[number] for number in self._again) or row.key

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._missed = None
        self._arrange()

    def sort_by(self, column: str) -> None:
        """Sort by a column; a second time reverses."""
        self.sorting = Sorting(column, not self.sorting.reverse if self.sorting.column == column else False)
        self._arrange()

    def reverse(self) -> None:
        self.sorting = Sorting(self.sorting.column, not self.sorting.reverse)
        self._arrange()

    def move_to(self, key: object) -> bool:
        """Put the cursor on the row with this key; whether it is there."""
        for number, row in enumerate(self._rows):
            if row.key == key:
                self._move(number)
                return True
        return False

    def as_text(self) -> str:
        """All rows that the filter lets through, with all columns."""
        return table_as_text(self._table, self._rows)

    def _arrange(self) -> None:
        before = self.cursor_row
        above = self._cursor - self.scroll_offset.y
        self._rows = arranged(self._table, self.filter_text, self.sorting)
        place = self._cursor
        if self._on_top:
            place = above = 0
        elif self.following:
            place, above = len(self._rows) - 1, self._page - 1
        elif before is not None and not (place < len(self._rows) and self._rows[place].key == before.key):
            place = next((number for number, row in enumerate(self._rows) if row.key == before.key), place)
        self._cursor = max(min(place, len(self._rows) - 1), 0)
        self._place_columns()
        self.scroll_to(y=self._cursor - above, animate=False, immediate=True)
        self._keep_in_sight()
        self.refresh()
        self.post_message(self.Moved(self.cursor_row))

    def _move(self, place: int) -> None:
        self._on_top = False
        self._missed = None
        place = max(min(place, len(self._rows) - 1), 0)
        if place != self._cursor:
            self._cursor = place
            self.post_message(self.Moved(self.cursor_row))
        self.following = self._follow and place == len(self._rows) - 1
        self._keep_in_sight()
        self.refresh()

    def _keep_in_sight(self) -> None:
        page = self._page
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, immediate=True)

    @property
    def _page(self) -> int:
        return max(self.size.height - 1, 1)

    def action_cursor_down(self) -> None:
        self._move(self._cursor + 1)

    def action_cursor_up(self) -> None:
        self._move(self._cursor - 1)

    def action_page_down(self) -> None:
        self._move(self._cursor + self._page)

    def action_page_up(self) -> None:
        self._move(self._cursor - self._page)

    def action_first(self) -> None:
        self._move(0)

    def action_last(self) -> None:
        self._move(len(self._rows) - 1)

    def action_open(self) -> None:
        row = self.cursor_row
        if row is not None:
            self.post_message(self.Opened(row))

    def _place_columns(self) -> None:
        self._placed = placed(self._table, self.scrollable_content_region.width - _MARK)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows) + 1)

    def on_resize(self) -> None:
        self._place_columns()
        self._keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = self._column_at(offset.x)
            if column:
                self.sort_by(column)
            return
        place = self.scroll_offset.y + offset.y - 1
        if place < len(self._rows):
            self._move(place)
            if event.chain == 2:
                self.action_open()

    def _column_at(self, x: int) -> str | None:
        start = _MARK
        for number, width in self._placed:
            if start <= x <= start + width:
                return self._table.columns[number].key
            start += width + 1
        return None

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._heading(width)
        place = self.scroll_offset.y + y - 1
        if not self._rows:
            said = self._instead(width)
            return self.toned_strip(said[y - 2] if 2 <= y < len(said) + 2 else (), width)
        if place >= len(self._rows):
            return self.toned_strip((), width)
        return self._row(self._rows[place], place == self._cursor, width)

    def _heading(self, width: int) -> Strip:
        pieces: list[Piece] = [(" " * _MARK, Tone.HEADING)]
        for number, size in self._placed:
            pieces.append((heading_text(self._table.columns[number], size, self.sorting) + " ", Tone.HEADING))
        return self.toned_strip(tuple(pieces), width, self.get_component_rich_style("row-view--heading"))

    def _row(self, row: Row, at_cursor: bool, width: int) -> Strip:
        pieces: list[Piece] = [(">" if at_cursor else " ", Tone.STRONG), row.mark]
        for number, size in self._placed:
            tone = row.tones[number] if row.tones else Tone.NORMAL
            pieces.append((cell_text(self._table.columns[number], row.cells[number], size), tone))
            pieces.append((" ", Tone.NORMAL))
        cursor = self.get_component_rich_style("row-view--cursor", partial=True) if at_cursor else None
        return self.toned_strip(tuple(pieces), width, cursor)

    def _instead(self, width: int) -> list[Line]:
        """What stands in the place of rows: why there are none."""
        gap = self._table.gap
        if not self._known:
            said = [line(("  Looking ...", Tone.DIM))]
        elif gap:
            said = [line((f"  Not known: {printable(gap.reason)}", Tone.WARNING))]
            if gap.remedy:
                said.append(line(f"  {printable(gap.remedy)}"))
        elif self.filter_text and self._table.rows:
            said = [
                line((f"  None of {len(self._table.rows)} rows contains “{printable(self.filter_text)}”.", Tone.DIM))
            ]
            said.append(line(("  Escape clears the filter.", Tone.DIM)))
        else:
            said = [line((f"  {self._table.empty}", Tone.DIM))]
        return list(wrapped(said, width))

    def visible_text(self) -> list[str]:
        """The lines in sight as plain text."""
        return [plain(line(*((segment.text) for segment in self.render_line(y)))) for y in range(self.size.height)]
