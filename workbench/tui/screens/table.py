"""A screen with a table, and the detail of the row at the cursor below or beside it."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from workbench.evidence import Process
from workbench.present.findings import Found, brief_lines, finding_detail
from workbench.present.line import Line, line
from workbench.present.remedy import hint_of, locks_of, recovers
from workbench.present.situation import Situation
from workbench.present.table import Column, Row, Table
from workbench.tui.clipboard import copy_text
from workbench.tui.collector import Moment
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.base import WorkbenchScreen
from workbench.tui.widgets.bars import FilterBar
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.row_view import RowView


class TableScreen(WorkbenchScreen):
    """Filter, sort, copy and open are the same on all of them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.TABLE)
    AUTO_FOCUS = "RowView"
    COLUMNS: ClassVar[tuple[Column, ...]]
    ON_TOP: ClassVar[bool] = False
    """The first row is the one to look at until somebody chooses another."""
    AGAIN: ClassVar[tuple[str, ...]] = ()
    """Columns that together tell what was gone and has been made again, by a restore."""

    def __init__(self) -> None:
        super().__init__()
        self._situation: Situation | None = None
        self._can_remove = False
        """A lock holds the row at the cursor back, or an interrupted operation is to be put right."""

    def compose_body(self) -> ComposeResult:
        with Container(id="body"):
            with Vertical(id="list"):
                yield FilterBar()
                yield Input(placeholder="words that a row must contain", compact=True, id="filter")
                yield RowView(Table(self.COLUMNS), on_top=self.ON_TOP, again=self.AGAIN, id="rows")
            yield LineView(id="detail")

    def on_mount(self) -> None:
        self.query_one("#filter", Input).display = False
        self.query_one(FilterBar).display = False

    @property
    def rows(self) -> RowView:
        return self.query_one("#rows", RowView)

    @property
    def detail(self) -> LineView:
        return self.query_one("#detail", LineView)

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        """All that is known of a row's subject."""
        raise NotImplementedError

    def target(self, row: Row) -> Process | None:
        """The process that a dump started here would take; None where there is none."""
        return None

    def shown(self, table: Table) -> Table:
        """What of the table is shown."""
        return table

    def show(self, moment: Moment) -> None:
        self._situation = moment.situation
        self.rows.show(self.shown(moment.table_of(self.MODE)))
        self._show_filter()

    @on(RowView.Moved)
    def _show_detail(self, message: RowView.Moved) -> None:
        row, situation = message.row, self._situation
        if row is None or situation is None:
            self.detail.show(lambda _: ())
        else:
            self.detail.show(lambda width: self._with_findings(row, situation, width))
        self._offer_removal(row)

    def _with_findings(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        """The detail with what is wrong with its subject: in a line under the title, in full at the end."""
        lines = list(self.detail_lines(row, situation, width))
        findings = situation.judgement.concerning(row.subject)
        hint = "" if self.workbench.is_recorded else hint_of(row.subject, situation)
        lines[1:1] = brief_lines(findings, width, f"Enter explains, {hint}" if hint else "Enter explains")
        for finding in findings:
            lines += [line(), *finding_detail(Found(finding), situation.judgement)]
        return lines

    def _offer_removal(self, row: Row | None) -> None:
        situation = self._situation
        offered = False
        if row is not None and situation is not None:
            offered = recovers(row.subject) or bool(locks_of(row.subject, situation))
        if offered is not self._can_remove:
            self._can_remove = offered
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "remove" and not self._can_remove:
            return False
        return super().check_action(action, parameters)

    @on(RowView.Opened)
    def _open_detail(self) -> None:
        self.add_class("-opened")
        self.detail.focus()

    def step_back(self) -> bool:
        if self.has_class("-opened"):
            self.remove_class("-opened")
            self.rows.focus()
        elif self.query_one("#filter", Input).display:
            self._close_filter()
            self._set_filter("")
        elif self.focused is not self.rows:
            self.rows.focus()
        elif self.rows.filter_text:
            self._set_filter("")
        else:
            return False
        return True

    def leave(self) -> bool:
        return self.has_class("-opened") and self.step_back()

    def go_to_process(self, pid: int) -> bool:
        """Put the cursor on the first row of this process, though a filter may hide it; whether it is there."""
        targets = ((row, self.target(row)) for row in self.rows.all_rows)
        row = next((row for row, process in targets if process is not None and process.pid == pid), None)
        if row is None:
            return False
        if not self.rows.move_to(row.key):
            self._set_filter("")
            self.rows.move_to(row.key)
        return True

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        self.query_one(FilterBar).display = False
        field.display = True
        field.value = self.rows.filter_text
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, message: Input.Changed) -> None:
        self.rows.set_filter(message.value)

    @on(Input.Submitted, "#filter")
    def _close_filter(self) -> None:
        self.query_one("#filter", Input).display = False
        self.rows.focus()
        self._show_filter()

    def _set_filter(self, text: str) -> None:
        self.rows.set_filter(text)
        self._show_filter()

    def _show_filter(self) -> None:
        if not self.query_one("#filter", Input).display:
            self.query_one(FilterBar).show(self.rows.filter_text, self.rows.shown_count, self.rows.total_count)

    def action_sort(self) -> None:
        from workbench.tui.screens.sort import SortScreen

        def chosen(column: str | None) -> None:
            if column is not None:
                self.rows.sort_by(column)

        self.app.push_screen(SortScreen(self.COLUMNS, self.rows.sorting), chosen)

    def action_reverse(self) -> None:
        self.rows.reverse()

    def action_remove(self) -> None:
        row, situation = self.rows.cursor_row, self._situation
        if row is None or situation is None:
            return
        if recovers(row.subject):
            self.workbench.guide.offer_recovery()
        else:
            self.workbench.guide.offer_removal(locks_of(row.subject, situation))

    def action_copy(self) -> None:
        row = self.rows.cursor_row
        if row is not None:
            copy_text(self.app, self.detail.as_text())

    def action_copy_table(self) -> None:
        copy_text(self.app, self.rows.as_text())
