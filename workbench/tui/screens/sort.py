"""Which column to sort by: one letter."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from workbench.present.glossary import GLOSSARY
from workbench.present.line import Line, Tone, line
from workbench.present.table import Column, Sorting
from workbench.tui.widgets.line_view import LineView


class SortScreen(ModalScreen[str | None]):
    """The columns with their letters; answers the key of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, columns: tuple[Column, ...], sorting: Sorting) -> None:
        super().__init__()
        self._columns = columns
        self._sorting = sorting

    def compose(self) -> ComposeResult:
        view = LineView(self._lines, id="sort")
        view.styles.height = min(len(self._columns) + 3, 18)
        yield view

    def _lines(self, width: int) -> list[Line]:
        lines = [line(("Sort by (the same again reverses, Esc leaves it)", Tone.HEADING))]
        for column in self._columns:
            mark = "*" if column.key == self._sorting.column else " "
            text = GLOSSARY[column.key].text if column.key in GLOSSARY else ""
            room = max(width - 16, 0)
            lines.append(
                line(f"{mark} ", (column.letter, Tone.STRONG), f" {column.title:10} ", (text[:room], Tone.DIM))
            )
        return lines

    def on_key(self, event: events.Key) -> None:
        for column in self._columns:
            if event.character == column.letter:
                event.stop()
                event.prevent_default()
                self.dismiss(column.key)
                return
        if event.key in {"escape", "q", "enter", "s"}:
            event.stop()
            event.prevent_default()
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        view = self.query_one(LineView)
        if not view.region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)
            return
        number = event.screen_y - view.content_region.y - 1 + view.scroll_offset.y
        if 0 <= number < len(self._columns):
            self.dismiss(self._columns[number].key)
