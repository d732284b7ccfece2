"""Findings: what is wrong, why, and what do I do?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.present.findings import COLUMNS, Found, commands, finding_detail, folded
from workbench.present.line import Line
from workbench.present.remedy import hint_of
from workbench.present.situation import Situation
from workbench.present.table import Row, Table
from workbench.tui.clipboard import copy_text
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.table import TableScreen


class FindingsScreen(TableScreen):
    """What the checks have found, root causes on top."""

    MODE = "findings"
    PURPOSE = "What is wrong, why, and what do I do?"
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.FINDINGS), *bindings(Where.LOCKS)]

    def __init__(self) -> None:
        super().__init__()
        self._folded = True

    def shown(self, table: Table) -> Table:
        return folded(table) if self._folded else table

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, Found)
        hint = "" if self.workbench.is_recorded else hint_of(row.subject, situation)
        return finding_detail(row.subject, situation.judgement, hint)

    def action_unfold(self) -> None:
        self._folded = not self._folded
        if self.workbench.moment is not None:
            self.show(self.workbench.moment)

    def action_copy_fix(self) -> None:
        row = self.rows.cursor_row
        if row is not None and isinstance(row.subject, Found):
            copy_text(self.app, "\n".join(commands(row.subject.finding)) or self.detail.as_text())
