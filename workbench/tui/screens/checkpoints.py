"""Checkpoints: which images are there, and what do they hold?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.evidence import ImageDirectory
from workbench.present.checkpoints import COLUMNS, checkpoint_detail
from workbench.present.line import Line
from workbench.present.situation import Situation
from workbench.present.table import Row
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.table import TableScreen


class CheckpointsScreen(TableScreen):
    """Image directories, the newest first."""

    MODE = "checkpoints"
    PURPOSE = "Which images are there, what do they hold, and would a restore work here, now?"
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.CHECKPOINTS)

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, ImageDirectory)
        return checkpoint_detail(row.subject, situation)

    def action_restore(self) -> None:
        row = self.rows.cursor_row
        if row is not None and isinstance(row.subject, ImageDirectory):
            self.workbench.guide.offer_restore(row.subject.path)

    def action_add(self) -> None:
        self.workbench.guide.ask_for_images()
