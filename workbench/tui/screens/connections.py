"""Connections: what is going on with this connection, right now?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.evidence import Gap, Process, Socket
from workbench.evidence.packet import chosen
from workbench.evidence.silence import Answer
from workbench.evidence.silence_branches import why_silent
from workbench.evidence.silence_watch import watch_of
from workbench.present.connection_detail import connection_detail
from workbench.present.connections import COLUMNS, owner
from workbench.present.line import Line
from workbench.present.silence import silence_lines
from workbench.present.situation import UNCONNECTED, Situation
from workbench.present.table import Row
from workbench.present.timeline_narrowing import of_socket
from workbench.tui.beside import run_beside
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.help import TextScreen
from workbench.tui.screens.packets import PacketsScreen
from workbench.tui.screens.queues import QueuesScreen
from workbench.tui.screens.table import TableScreen


class ConnectionsScreen(TableScreen):
    """Every TCP socket of every network namespace."""

    MODE = "connections"
    PURPOSE = "What is going on with this connection, right now?"
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.TARGETS),
        *bindings(Where.CONNECTIONS),
        *bindings(Where.LOCKS),
    ]

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

    def action_hand_off(self) -> None:
        row = self.rows.cursor_row
        if row is not None:
            assert isinstance(row.subject, Socket)
            self.workbench.guide.offer_handoff(row.subject)

    def action_queues(self) -> None:
        row = self.rows.cursor_row
        if row is None:
            return
        assert isinstance(row.subject, Socket)
        holder = owner(row.subject)
        if row.subject.state in UNCONNECTED:
            self.notify("This socket has no peer, hence no queues.", markup=False, timeout=3)
        elif holder is None:
            self.notify("No process holds this socket: its queues cannot be reached.", markup=False, timeout=3)
        else:
            self.app.push_screen(QueuesScreen((holder.pid, holder.fd)))

    def action_packets(self) -> None:
        row, situation, moment = self.rows.cursor_row, self._situation, self.workbench.moment
        if row is None or situation is None or moment is None:
            return
        assert isinstance(row.subject, Socket)
        connection = row.subject.connection.unmapped
        title = str(connection)
        if row.subject.state in UNCONNECTED:
            self.notify("This socket has no peer: no segment belongs to it.", markup=False, timeout=3)
        elif moment.live:
            begin = self.workbench.operations.capture
            self.app.push_screen(PacketsScreen(title, lambda: begin(connection)))
        else:
            captures = situation.evidence.captures
            recorded = chosen(() if isinstance(captures, Gap) else captures, connection)
            self.app.push_screen(PacketsScreen(title, recorded=recorded))

    def action_why(self) -> None:
        row, situation = self.rows.cursor_row, self._situation
        if row is None or situation is None:
            return
        socket = row.subject
        assert isinstance(socket, Socket)
        if socket.state in UNCONNECTED:
            self.notify("This socket has no peer: nothing could flow.", markup=False, timeout=3)
        elif self.workbench.moment is not None and not self.workbench.moment.live:
            evidence = situation.evidence
            events = () if isinstance(evidence.events, Gap) else evidence.events
            watch = watch_of(socket.connection, socket.netns, evidence, evidence, events)
            if watch is not None:
                self._show_why(why_silent(watch))
        else:
            self.notify("Watching it for three seconds ...", markup=False, timeout=3)
            ask = self.workbench.operations.why_silent
            run_beside(
                self.workbench, lambda: ask(socket.connection, socket.netns), self._show_why, self.workbench.problem
            )

    def _show_why(self, answer: Answer) -> None:
        self.app.push_screen(TextScreen(silence_lines(answer)))
