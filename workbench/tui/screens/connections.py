"""Connections: what is going on with this connection, right now?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from workbench.errors import WorkbenchError
from workbench.evidence import Capture, Connection, Gap, Process, Socket
from workbench.evidence.packet import as_one, chosen
from workbench.evidence.packet_notes import Followed, follow
from workbench.evidence.silence import Answer
from workbench.evidence.silence_branches import why_silent
from workbench.evidence.silence_watch import watch_of
from workbench.present.connection_detail import connection_detail
from workbench.present.connections import COLUMNS, owner
from workbench.present.line import Line
from workbench.present.silence import silence_lines
from workbench.present.situation import UNCONNECTED, Situation
from workbench.present.table import Row, Table
from workbench.present.timeline_narrowing import of_socket
from workbench.tui.beside import run_beside
from workbench.tui.collector import Moment
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.help import TextScreen
from workbench.tui.screens.packets import PacketsScreen
from workbench.tui.screens.queues import QueuesScreen
from workbench.tui.screens.table import TableScreen

_MANY = 20_000
"""Segments that take a while to be followed."""


class ConnectionsScreen(TableScreen):
    """Every TCP socket of every network namespace."""

    MODE = "connections"
    PURPOSE = "What is going on with this connection, right now?"
    COLUMNS = COLUMNS
    AGAIN = ("netns", "local", "peer")
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.TARGETS),
        *bindings(Where.CONNECTIONS),
        *bindings(Where.LOCKS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._has_shown_captures = False

    def show(self, moment: Moment) -> None:
        """Of a capture alone there is nothing here but its packets."""
        super().show(moment)
        if not moment.live and not self._has_shown_captures and isinstance(moment.situation.evidence.sockets, Gap):
            self._has_shown_captures = True
            self._show_captures(moment, None)

    def shown(self, table: Table) -> Table:
        captures = self._situation.evidence.captures if self._situation else ()
        if table.gap is None or isinstance(captures, Gap) or not captures:
            return table
        return replace(table, gap=Gap("sockets", "a capture tells of packets only", "p lists them"))

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, Socket)
        return connection_detail(row.subject, situation, width)

    def target(self, row: Row) -> Process | None:
        assert isinstance(row.subject, Socket)
        situation = self._situation
        holder = owner(row.subject)
        return situation.processes.get(holder.pid) if situation and holder else None

    def _is_held(self, socket: Socket) -> bool:
        """Whether a holder is known; if not, say why nothing can be done with it."""
        if socket.holders:
            return True
        if socket.inode:
            hint = "run as root; if you do, a process out of sight has it, or the kernel"
            self.workbench.problem(WorkbenchError("who holds this socket is not known", hint))
        else:
            self.workbench.problem(
                WorkbenchError("no process holds this socket", "the kernel finishes it: choose another")
            )
        return False

    def action_dump(self) -> None:
        row = self.rows.cursor_row
        if row is not None:
            assert isinstance(row.subject, Socket)
            if self._is_held(row.subject):
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
            if row.subject.state in UNCONNECTED:
                self.notify("This socket has no peer: only connections are handed on.", markup=False, timeout=3)
            elif self._is_held(row.subject):
                self.workbench.guide.offer_handoff(row.subject)

    def action_queues(self) -> None:
        row = self.rows.cursor_row
        if row is None:
            return
        assert isinstance(row.subject, Socket)
        holder = owner(row.subject)
        if row.subject.state in UNCONNECTED:
            self.notify("This socket has no peer, hence no queues.", markup=False, timeout=3)
        elif self._is_held(row.subject) and holder is not None:
            self.app.push_screen(QueuesScreen((holder.pid, holder.fd)))

    def action_packets(self) -> None:
        row, moment = self.rows.cursor_row, self.workbench.moment
        if moment is None:
            return
        if row is None:
            self._show_captures(moment, None)
            return
        assert isinstance(row.subject, Socket)
        connection = row.subject.connection.unmapped
        if row.subject.state in UNCONNECTED:
            self.notify("This socket has no peer: no segment belongs to it.", markup=False, timeout=3)
        elif moment.live:
            begin = self.workbench.operations.capture
            self.app.push_screen(PacketsScreen(str(connection), lambda: begin(connection)))
        else:
            self._show_captures(moment, connection)

    def _show_captures(self, moment: Moment, connection: Connection | None) -> None:
        """What a recording has of the packets of one connection, or of all."""
        found = moment.situation.evidence.captures
        captures = () if isinstance(found, Gap) else found
        if connection is None and not captures:
            return

        def followed() -> tuple[Capture, Followed]:
            capture = as_one(captures) if connection is None else chosen(captures, connection)
            return capture, follow(capture.packets)

        if sum(len(capture.packets) for capture in captures) > _MANY:
            self.notify("Following the segments ...", markup=False, timeout=3)
        title = moment.label if connection is None else str(connection)

        def show(recorded: tuple[Capture, Followed]) -> None:
            self.app.push_screen(PacketsScreen(title, recorded=recorded))

        run_beside(self.workbench, followed, show, self.workbench.problem)

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
