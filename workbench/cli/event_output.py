"""A timeline on stdout, line by line as it comes or as one document at its end."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from workbench.cli.document import Row, evidence_header
from workbench.cli.event_rows import attribution_row, event_row
from workbench.evidence import Evidence, Gap
from workbench.evidence.attribution import Attribution
from workbench.evidence.event import Event, EventKind
from workbench.present.text import printable
from workbench.present.timeline import HEADING, attribution_cells, event_cells, text_row


class EventOutput:
    """Writes text, ``jsonl`` or ``json``."""

    def __init__(self, form: str, wall_ns: int) -> None:
        """``wall_ns`` added to the clock of the events gives the time since the epoch."""
        self._form = form
        self._wall_ns = wall_ns
        self._events: list[Row] = []
        self._attributions: list[Row] = []

    def begin(self) -> None:
        """The heading of a table."""
        if self._form == "text":
            print(text_row(HEADING), flush=True)

    def write(self, events: Iterable[Event], attributions: Iterable[Attribution], names: Mapping[int, str]) -> None:
        """Both in the order of time; what was found out about events stands below them."""
        timed: list[tuple[int, int, Event | Attribution]] = [(event.at_ns, 0, event) for event in events]
        timed += [(found.settled_ns, 1, found) for found in attributions]
        for _, _, each in sorted(timed, key=lambda entry: entry[:2]):
            if self._form == "text":
                self._text(each, names)
            else:
                self._row(each, names)
        sys.stdout.flush()

    def end(self, host: Evidence, gaps: Sequence[Gap], lost: int) -> None:
        """The document, where it is one."""
        if self._form == "json":
            missing = [
                {"section": gap.section, "reason": printable(gap.reason), "remedy": printable(gap.remedy),
                 "netns": gap.netns} for gap in gaps
            ]  # fmt: skip
            header = evidence_header(host) | {"gaps": missing}
            document = {"schema": 1, "evidence": header, "events": self._events, "attributions": self._attributions}
            print(json.dumps(document | {"lost": lost}, indent=1), flush=True)

    def _text(self, each: Event | Attribution, names: Mapping[int, str]) -> None:
        if isinstance(each, Attribution):
            print(text_row(attribution_cells(each, names, self._wall_ns)))
        elif each.kind is not EventKind.RESET_PACKET:  # what became of it says more
            print(text_row(event_cells(each, names, self._wall_ns)))

    def _row(self, each: Event | Attribution, names: Mapping[int, str]) -> None:
        if isinstance(each, Attribution):
            row, rows = attribution_row(each, self._wall_ns, names), self._attributions
        else:
            row, rows = event_row(each, self._wall_ns, names), self._events
        if self._form == "jsonl":
            print(json.dumps(row))
        else:
            rows.append(row)
