"""One of several things, chosen from a list."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from workbench.present.line import Line, Tone, line
from workbench.present.table import Column, Row, make_table
from workbench.present.text import printable
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.row_view import RowView


class ChooseScreen(Dialog[int | None]):
    """Answers its place in the list."""

    AUTO_FOCUS = "RowView"
    PLACES = (Where.QUESTION, Where.CHOICE, Where.ROWS)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.QUESTION), *bindings(Where.CHOICE)]

    def __init__(self, listed: Sequence[str], question: str) -> None:
        super().__init__()
        self._question = question
        rows = [Row(number, (printable(text),), (text,), number) for number, text in enumerate(listed)]
        self._table = make_table((Column("way", f"{question} / filters.", "w", 10, 200),), rows, "There is none.")

    def compose(self) -> ComposeResult:
        with Vertical(id="choose"):
            yield RowView(self._table, id="choose-rows")
            yield Input(placeholder="words that it must contain", compact=True, id="choose-filter")

    def on_mount(self) -> None:
        self._rows.show(self._table)
        self._field.display = False

    def about(self) -> Sequence[Line]:
        return (line((self._question, Tone.STRONG)), line("Enter chooses what the cursor is on."))

    @property
    def _rows(self) -> RowView:
        return self.query_one("#choose-rows", RowView)

    @property
    def _field(self) -> Input:
        return self.query_one("#choose-filter", Input)

    @on(RowView.Opened)
    def _chosen(self, message: RowView.Opened) -> None:
        number = message.row.key
        self.dismiss(number if isinstance(number, int) else None)

    def action_filter(self) -> None:
        self._field.display = True
        self._field.focus()

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        self._rows.set_filter(message.value)

    @on(Input.Submitted)
    def _filtered(self) -> None:
        self._field.display = bool(self._field.value)
        self._rows.focus()

    def action_cancel(self) -> None:
        """One step back: out of the filter first."""
        if self._field.display:
            self._field.value = ""
            self._filtered()
        else:
            self.dismiss(None)
