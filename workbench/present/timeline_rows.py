"""The timeline as a table: bounded, growing at its end, narrowed to what one looks at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from operator import attrgetter

from workbench.evidence import Gap
from workbench.evidence.attribution import Attribution
from workbench.evidence.event import Event, EventKind
from workbench.evidence.evidence import Evidence
from workbench.evidence.reset_witness import recorded_resets
from workbench.evidence.selection import Selection
from workbench.present.line import Tone
from workbench.present.table import Column, Row, Table, unreadable
from workbench.present.timeline import attribution_cells, event_cells, tone

COLUMNS = (
    Column("at", "TIME", "t", 12, 15),
    Column("netns", "NETNS", "n", 4, 14, leaves=8, keep_end=True),
    Column("ends", "CONNECTION", "c", 13, 45, leaves=4, keep_end=True),
    Column("event", "EVENT", "e", 20, 60),
    Column("doer", "PROCESS", "p", 8, 24, leaves=12),
)
MOST = 10_000
"""Rows that are kept; older ones are forgotten."""
_FORGOTTEN_AT_ONCE = MOST // 10


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the timeline is narrowed to."""

    title: str
    """As it is shown: ``connection 10.0.0.2:7022 -> 10.0.0.1:56086``; printable."""
    selection: Selection


class Timeline:
    """Rows of events and of what was found out about them, the newest last."""

    def __init__(self, wall_ns: int) -> None:
        """``wall_ns`` added to the clock of the events gives the time since the epoch."""
        self.wall_ns = wall_ns
        self.names: Mapping[int, str] = {}
        """Of network namespaces by inode, as they were told last; hostile."""
        self._rows: list[Row] = []
        self._shown = self._rows
        self._selection: Selection | None = None
        self.waiting: list[Event] = []
        """Whose place is not known yet: something earlier may still be added."""
        self._numbers = count()
        self.attributions: list[Attribution] = []
        """Of all rows, the newest last."""
        self.total = 0
        """Rows that there ever were."""

    def add(
        self,
        events: Iterable[Event],
        attributions: Iterable[Attribution],
        names: Mapping[int, str],
        until_ns: float,
    ) -> None:
        """Rows of what happened next; of those that wait, all that happened before ``until_ns``."""
        self.names = names or self.names
        due = [event for event in self.waiting if event.at_ns < until_ns]
        self.waiting = [event for event in self.waiting if event.at_ns >= until_ns]
        found = [*attributions]
        timed: list[tuple[int, int, Event | Attribution]] = [(event.at_ns, 0, event) for event in (*events, *due)]
        timed += [(one.settled_ns, 1, one) for one in found]
        timed.sort(key=lambda entry: entry[:2])
        rows = [
            _attribution_row(next(self._numbers), each, self.names, self.wall_ns)
            if isinstance(each, Attribution)
            else _event_row(next(self._numbers), each, self.names, self.wall_ns)
            for _, _, each in timed
            if isinstance(each, Attribution) or each.kind is not EventKind.RESET_PACKET
        ]
        self.attributions = (self.attributions + found)[-MOST:]
        self._extend(rows)

    def wait_with(self, events: Iterable[Event]) -> None:
        """Events from elsewhere: each stands in its place as soon as all that happened before it was added."""
        self.waiting += events

    def narrow(self, selection: Selection | None) -> None:
        """Show only what is wanted, from now on and of what is there; None: everything."""
        self._selection = selection
        self._shown = self._rows if selection is None else [row for row in self._rows if _wanted(row, selection)]

    def table(self, refused: Gap | None, empty: str) -> Table:
        """The rows as they are now."""
        if refused is not None and not self._rows:
            return unreadable(COLUMNS, refused)
        return Table(COLUMNS, tuple(self._shown), None, empty, _widths(self._shown))

    @property
    def shown(self) -> int:
        """Rows that are wanted of those that are still there."""
        return len(self._shown)

    @property
    def events(self) -> tuple[Event, ...]:
        """What the rows that are still there are made of, in the order of time: resets that were attributed, too."""
        found = [row.subject.event if isinstance(row.subject, Attribution) else row.subject for row in self._rows]
        by_identity = {id(event): event for event in found if isinstance(event, Event)}
        return tuple(sorted(by_identity.values(), key=attrgetter("at_ns")))

    @property
    def kept(self) -> int:
        """Rows that are still there, whatever is shown of them."""
        return len(self._rows)

    def _extend(self, rows: Sequence[Row]) -> None:
        self.total += len(rows)
        self._rows += rows
        if self._selection is not None:
            self._shown += [row for row in rows if _wanted(row, self._selection)]
        for kept in (self._rows, self._shown):
            if len(kept) > MOST:
                del kept[: max(len(kept) - MOST, _FORGOTTEN_AT_ONCE)]


def recorded(evidence: Evidence, names: Mapping[int, str]) -> Timeline | Gap:
    """The timeline of a recording, with what follows from its events; a Gap if it has none."""
    if isinstance(evidence.events, Gap):
        return evidence.events
    timeline = Timeline(round(evidence.taken * 1e9) - evidence.monotonic_ns)
    kept = replace(evidence, events=evidence.events[-MOST:])
    timeline.add(evidence.events[-MOST:], recorded_resets(kept), names, float("inf"))
    return timeline


def _widths(rows: Sequence[Row]) -> tuple[int, ...]:
    """Cells that the contents take, judged by the newest rows: all of them would take too long."""
    newest = rows[-200:]
    return tuple(
        max(len(column.title), *(min(len(row.cells[number]), column.most) for row in newest))
        if newest
        else len(column.title)
        for number, column in enumerate(COLUMNS)
    )


def _wanted(row: Row, selection: Selection) -> bool:
    if isinstance(row.subject, Attribution):
        return selection.wants_connection(row.subject.connection, row.subject.netns)
    assert isinstance(row.subject, Event)
    return selection.wants(row.subject)


def _event_row(number: int, event: Event, names: Mapping[int, str], wall_ns: int) -> Row:
    at, netns, ends, doer, said = event_cells(event, names, wall_ns)
    if event.kind is EventKind.DROP:
        said = said.replace("received segment dropped", "in dropped").replace("segment to send dropped", "out dropped")
    cells = (at[:12], netns, ends, said, doer)
    order = (event.at_ns, netns, ends, said, doer)
    plain = Tone.NORMAL
    return Row(number, cells, order, event, (Tone.DIM, Tone.DIM, plain, tone(event), Tone.DIM))


def _attribution_row(number: int, found: Attribution, names: Mapping[int, str], wall_ns: int) -> Row:
    at, netns, ends, _, said = attribution_cells(found, names, wall_ns)
    cells = (at[:12], netns, ends, said, "")
    order = (found.settled_ns, netns, ends, said, "")
    return Row(number, cells, order, found, (Tone.DIM, Tone.DIM, Tone.NORMAL, Tone.STRONG, Tone.DIM))
