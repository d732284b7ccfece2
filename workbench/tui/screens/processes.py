"""Processes: who has connections, and what would a dump of it take along?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.evidence import Process
from workbench.present.line import Line
from workbench.present.processes import COLUMNS, process_detail
from workbench.present.situation import Situation
from workbench.present.table import Row
from workbench.present.timeline_narrowing import of_process
from workbench.tui.journeys import offer_generation, offer_migration, offer_rollback
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.table import TableScreen


class ProcessesScreen(TableScreen):
    """Every process; those with connections first."""

    MODE = "processes"
    PURPOSE = "Who has connections, and what would a dump of it take along?"
    COLUMNS = COLUMNS
    AGAIN = ("pid",)
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.TARGETS),
        *bindings(Where.PROCESSES),
        *bindings(Where.LOCKS),
    ]

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, Process)
        return process_detail(row.subject, situation)

    def target(self, row: Row) -> Process | None:
        assert isinstance(row.subject, Process)
        return row.subject

    def action_dump(self) -> None:
        row = self.rows.cursor_row
        if row is not None:
            self.workbench.guide.offer_dump(self.target(row))

    def action_migrate(self) -> None:
        row = self.rows.cursor_row
        offer_migration(self.workbench, self.target(row) if row is not None else None)

    def action_save_generation(self) -> None:
        row = self.rows.cursor_row
        offer_generation(self.workbench, self.target(row) if row is not None else None)

    def action_roll_back(self) -> None:
        row = self.rows.cursor_row
        offer_rollback(self.workbench, self.target(row) if row is not None else None)

    def action_timeline(self) -> None:
        row = self.rows.cursor_row
        if row is not None and self._situation is not None:
            assert isinstance(row.subject, Process)
            self.workbench.timeline.open_for(of_process(row.subject, self._situation))
