"""Connections: what is going on with this connection, right now?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.evidence import Process, Socket
from workbench.present.connection_detail import connection_detail
from workbench.present.connections import COLUMNS, owner
from workbench.present.line import Line
from workbench.present.situation import Situation
from workbench.present.table import Row
from workbench.present.timeline_narrowing import of_socket
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.table import TableScreen


class ConnectionsScreen(TableScreen):
    """Every TCP socket of every network namespace."""

    MODE = "connections"
    PURPOSE = "What is going on with this connection, right now?"
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.TARGETS), *bindings(Where.LOCKS)]

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, Socket)
        return connection_detail(row.subject, situation, width)

    def target(self, row: Row) -> Process | None:
        assert isinstance(row.subject, Socket)
        situation = self._situation
        holder = owner(row.subject)
        return situation.processes.get(holder.pid) if situation and holder else None

    def action_dump(self) -> None:
        row = self.rows.cursor_row
        if row is not None:
            self.workbench.guide.offer_dump(self.target(row))

    def action_timeline(self) -> None:
        row = self.rows.cursor_row
        if row is not None and self._situation is not None:
            assert isinstance(row.subject, Socket)
            self.workbench.timeline.open_for(of_socket(row.subject, self._situation))
