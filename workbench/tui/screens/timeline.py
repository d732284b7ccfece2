"""Timeline: what happened to this connection, in which order, and who reset it?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from workbench.evidence import Evidence, Gap
from workbench.evidence.attribution import Attribution
from workbench.evidence.event import Event
from workbench.evidence.selection import Selection
from workbench.present.line import Line
from workbench.present.situation import Situation
from workbench.present.table import Row, Table, unreadable
from workbench.present.text import printable
from workbench.present.timeline_bar import bar_line
from workbench.present.timeline_detail import attribution_detail, event_detail
from workbench.present.timeline_rows import COLUMNS, Narrowing, Timeline, recorded
from workbench.tui.collector import Moment
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.table import TableScreen
from workbench.tui.widgets.bars import FilterBar, TimelineBar
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.row_view import RowView

DRAWN_S = 0.4
"""So often new rows are shown, however many come."""
_EMPTY = "Nothing has happened to a connection since recording began."
_EMPTY_NARROW = "Nothing has happened to this since recording began; a shows everything."


class TimelineScreen(TableScreen):
    """State changes, resets, drops, retransmissions, rules and stages in one list on one clock."""

    MODE = "timeline"
    PURPOSE = "What happened to this connection, in which order, and who reset it?"
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.TIMELINE)

    def __init__(self) -> None:
        super().__init__()
        self._drawn = -1
        self._of: Evidence | None = None
        self._recorded: Timeline | Gap | None = None

    def compose_body(self) -> ComposeResult:
        with Container(id="body"):
            with Vertical(id="list"):
                yield TimelineBar()
                yield FilterBar()
                yield Input(placeholder="words that a row must contain", compact=True, id="filter")
                yield RowView(Table(self.COLUMNS), follow=True, id="rows")
            yield LineView(id="detail")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(DRAWN_S, self._draw_new)

    def show(self, moment: Moment) -> None:
        self._situation = moment.situation
        if moment.live:
            self.workbench.timeline.start()
        elif self._of is not moment.situation.evidence:
            self._of = moment.situation.evidence
            names = {event.netns: moment.situation.namespace_name(event.netns) for event in _events(self._of)}
            self._recorded = recorded(self._of, {netns: name for netns, name in names.items() if netns is not None})
            self.rows.following = False
        self._draw(anew=self._drawn < 0)

    def _draw_new(self) -> None:
        if self.is_current and self._situation is not None and not self.workbench.paused:
            self._draw(anew=False)

    def _draw(self, *, anew: bool) -> None:
        live = self.workbench.timeline
        if anew or live.version != self._drawn:
            self._drawn = live.version
            self.rows.show(self._table())
            self._show_filter()
        self._show_bar()

    def _table(self) -> Table:
        live = self.workbench.timeline
        if self._recorded is None:
            return live.rows.table(live.latest.refused, _EMPTY_NARROW if live.narrowing else _EMPTY)
        if isinstance(self._recorded, Gap):
            return unreadable(COLUMNS, self._recorded)
        self._recorded.narrow(live.narrowing.selection if live.narrowing else None)
        return self._recorded.table(
            None, "Nothing was recorded of this." if live.narrowing else "Nothing was recorded."
        )

    def _show_bar(self) -> None:
        live = self.workbench.timeline
        title = live.narrowing.title if live.narrowing else ""
        if self._recorded is None:
            line = bar_line(live.since, live.rows, live.latest, title, following=self.rows.following)
        else:
            line = bar_line(None, self._recorded, None, title, following=False)
        self.query_one(TimelineBar).show(line)

    def narrow(self, narrowing: Narrowing | None) -> None:
        """Show only this; None: everything."""
        self.workbench.timeline.narrow(narrowing)
        if self._situation is not None:
            self._draw(anew=True)

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        rows = self.workbench.timeline.rows if self._recorded is None else self._recorded
        assert isinstance(rows, Timeline)
        if isinstance(row.subject, Attribution):
            return attribution_detail(row.subject, rows)
        assert isinstance(row.subject, Event)
        return event_detail(row.subject, rows)

    def step_back(self) -> bool:
        if super().step_back():
            return True
        if self.workbench.timeline.narrowing is None:
            return False
        self.narrow(None)
        return True

    def action_newest(self) -> None:
        self.rows.action_last()
        self._show_bar()

    def action_everything(self) -> None:
        self.narrow(None)

    def action_only_connection(self) -> None:
        row = self.rows.cursor_row
        subject = row.subject if row else None
        if not isinstance(subject, Event | Attribution) or subject.connection is None:
            self._no_such("belongs to no connection")
            return
        around = [] if subject.netns is None else [subject.netns]
        selection = Selection(connections=[subject.connection], around=around)
        self.narrow(Narrowing(printable(str(subject.connection)), selection))

    def action_only_process(self) -> None:
        row = self.rows.cursor_row
        pid, name = _process(row.subject) if row else (None, "")
        if pid is None:
            self._no_such("names no process")
        else:
            self.narrow(Narrowing(printable(f"process {name} {pid}".replace("  ", " ")), Selection([pid])))

    def action_only_namespace(self) -> None:
        row = self.rows.cursor_row
        netns = row.subject.netns if row and isinstance(row.subject, Event | Attribution) else None
        if netns is None:
            self._no_such("belongs to no network namespace")
        else:
            name = row.cells[1] if row else ""
            self.narrow(Narrowing(f"network namespace {name}", Selection(netns=[netns])))

    def _no_such(self, what: str) -> None:
        self.notify(f"This row {what}.", markup=False, timeout=3)


def _events(evidence: Evidence) -> Sequence[Event]:
    return () if isinstance(evidence.events, Gap) else evidence.events


def _process(subject: object) -> tuple[int | None, str]:
    if isinstance(subject, Event):
        return (subject.pid, subject.command) if subject.pid else (subject.owner_pid, subject.owner_command)
    if isinstance(subject, Attribution):
        return min(subject.ends, default=None), ""
    return None, ""
