"""``workbench events``: what happens to connections on this host, as it happens, and who reset which and why."""

import argparse
import contextlib
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import scope
from workbench.cli.document import FORMATS, Row, evidence_header
from workbench.cli.event_rows import attribution_row, event_row
from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap, NetworkNamespace
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.collect.events.reader import EventReader
    from workbench.criu.log_follower import LogFollower
    from workbench.evidence.attribution import Attribution
    from workbench.evidence.event import Event
    from workbench.evidence.selection import Selection

EXAMPLES = """\
examples:
  workbench events                                       everything, until Ctrl-C
  workbench events --pid 4645 --seconds 60               one process and its children
  workbench events --netns app --format jsonl            for other programs
  workbench events --criu-log images/dump.log            with the stages of a dump that runs
"""
_WAIT_S = 0.1


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "events",
        help="what happens to connections as it happens, and who reset which and why",
        description="Show state changes, resets with their reasons, retransmissions, drops and committed rules on one"
        " clock, and say of every reset who sent it. Nothing is left behind, however it ends.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long; without it, Ctrl-C ends it")
    parser.add_argument("--criu-log", metavar="FILE", help="a log that CRIU writes meanwhile: its stages are shown too")
    parser.add_argument("--format", choices=FORMATS, default="text")
    scope.add_options(parser)
    parser.set_defaults(func=events)


def events(options: argparse.Namespace) -> int:
    """Record and print until the time is over or somebody interrupts."""
    from workbench.collect.events.reader import EventReader

    if options.seconds is not None and not options.seconds > 0:
        raise WorkbenchError(f"--seconds {options.seconds:g} is no time", "give a number above 0")
    selection, host = _selection(options)
    follower = _follow(options.criu_log)
    reader = EventReader()
    with _interruption() as interrupted, reader:
        timeline = _Timeline(reader, selection, options.format)
        for gap in reader.gaps:
            _say(gap)
        if reader.refused is None:
            timeline.begin()
            _record(reader, timeline, options, follower, interrupted)
        reader.close()
        timeline.show(reader.take(0), None)
        timeline.end(host, reader.gaps)
    return ExitStatus.CLEAN if reader.refused is None else ExitStatus.USAGE


@contextlib.contextmanager
def _interruption() -> "Iterator[threading.Event]":
    """Set by SIGINT or SIGTERM, which end this command: what is being printed then is printed to its end."""
    interrupted = threading.Event()
    former = {number: signal.signal(number, lambda *_: interrupted.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _record(
    reader: "EventReader",
    timeline: "_Timeline",
    options: argparse.Namespace,
    follower: "LogFollower | None",
    interrupted: threading.Event,
) -> None:
    try:
        end = None if options.seconds is None else time.monotonic() + options.seconds
        while not interrupted.is_set() and (end is None or time.monotonic() < end):
            left = _WAIT_S if end is None else max(min(end - time.monotonic(), _WAIT_S), 0)
            complete = reader.complete_ns
            found = reader.take(left)
            if follower:
                found += _stages(follower, Path(options.criu_log))
            timeline.show(found, complete)
            # Many at a time: what belongs to a reset is looked for among all that are not settled yet.
            interrupted.wait(min(left, _WAIT_S / 2))
    finally:
        if follower:
            follower.close()


class _Timeline:
    """Puts events and what was found out about resets in order, and prints them."""

    def __init__(self, reader: "EventReader", selection: "Selection", form: str) -> None:
        from workbench.collect.netfilter import RuleReader
        from workbench.evidence.attribution import Attributor

        self._reader = reader
        self._selection = selection
        self._format = form
        self._attributor = Attributor()
        self._rules = RuleReader()
        self._rules_read = 0.0
        self._held: list[Event] = []
        self._rows: list[Row] = []
        self._found: list[Row] = []
        self._wall_ns = time.time_ns() - time.monotonic_ns()

    def begin(self) -> None:
        """The heading of a table."""
        from workbench.present.timeline import HEADING, text_row

        self._read_rules()
        if self._format == "text":
            _print(text_row(HEADING))
        sys.stderr.write("workbench: recording; Ctrl-C ends it\n")

    def show(self, events: "Sequence[Event]", complete_ns: int | None) -> None:
        """Take events, and print those to which nothing can belong that happens later; None for all of them."""
        from workbench.evidence.reset_trail import SETTLED_NS

        self._attributor.add(events)
        self._held += events
        if any(_needs_rules(event) for event in events):
            self._read_rules()
        limit = math.inf if complete_ns is None else complete_ns - SETTLED_NS
        ready = [event for event in self._held if event.at_ns <= limit]
        self._held = [event for event in self._held if event.at_ns > limit]
        found = self._attributor.settled(complete_ns)
        shown: list[tuple[int, int, Event | Attribution]] = []
        shown += [(event.at_ns, 0, event) for event in ready if self._selection.wants(event)]
        shown += [
            (one.settled_ns, 1, one) for one in found if self._selection.wants_connection(one.connection, one.netns)
        ]
        names = _names(self._reader.namespaces)
        for _, _, each in sorted(shown, key=lambda entry: entry[:2]):
            self._print(each, names)
        sys.stdout.flush()

    def end(self, host: Evidence, gaps: Sequence[Gap]) -> None:
        """The document, where it is one."""
        if self._format == "json":
            header = evidence_header(host)
            header["gaps"] = [
                {"section": gap.section, "reason": printable(gap.reason), "remedy": printable(gap.remedy),
                 "netns": gap.netns} for gap in gaps
            ]  # fmt: skip
            document = {"schema": 1, "evidence": header, "events": self._rows, "attributions": self._found,
                        "lost": self._reader.lost}  # fmt: skip
            _print(json.dumps(document, indent=1))
        if self._reader.lost:
            sys.stderr.write(f"workbench: at least {self._reader.lost} records were lost\n")

    def _print(self, each: "Event | Attribution", names: Mapping[int, str]) -> None:
        from workbench.evidence.event import Event, EventKind
        from workbench.present.timeline import attribution_cells, event_cells, text_row

        if self._format == "text":
            if isinstance(each, Event):
                if each.kind is not EventKind.RESET_PACKET:  # what became of it says more
                    print(text_row(event_cells(each, names, self._wall_ns)))
            else:
                print(text_row(attribution_cells(each, names, self._wall_ns)))
            return
        row = event_row(each, self._wall_ns) if isinstance(each, Event) else attribution_row(each, self._wall_ns)
        if self._format == "jsonl":
            print(json.dumps(row))
        else:
            (self._rows if isinstance(each, Event) else self._found).append(row)

    def _read_rules(self) -> None:
        if time.monotonic() - self._rules_read < 1:
            return
        rules, _, _ = self._rules.read(self._reader.namespaces)
        if not isinstance(rules, Gap):
            self._attributor.rules = rules
        self._rules_read = time.monotonic()


def _needs_rules(event: "Event") -> bool:
    from workbench.evidence.event import EventKind, Maker

    return (
        event.kind is EventKind.RULES or event.maker is Maker.NETFILTER or event.reason == "NETFILTER_DROP"
    )  # fmt: skip


def _selection(options: argparse.Namespace) -> "tuple[Selection, Evidence]":
    """What the options ask for, and the host for the header."""
    from workbench.collect.live import LiveSource
    from workbench.collect.processes import tree
    from workbench.evidence.selection import Selection

    by_process = options.pid is not None or options.container is not None
    source = LiveSource({"host", *(("processes", "sockets") if by_process else ())})
    try:
        evidence = source.evidence()
    finally:
        source.close()
    if not by_process or isinstance(evidence.processes, Gap):
        pids: Sequence[int] = ()
    else:
        pids = tree(evidence.processes, scope.roots(options, evidence.processes))
    connections = [scope.parse_connection(options.connection)] if options.connection is not None else []
    if pids and not isinstance(evidence.sockets, Gap):
        connections += [
            each.connection for each in evidence.sockets
            if each.peer.port and any(holder.pid in pids for holder in each.holders)
        ]  # fmt: skip
    netns = [scope.namespace_inode(options.netns)] if options.netns is not None else []
    return Selection(pids, connections, netns), evidence


def _follow(path: str | None) -> "LogFollower | None":
    if path is None:
        return None
    from workbench.criu.log_follower import LogFollower

    if not Path(path).absolute().parent.is_dir():
        raise WorkbenchError(f"{Path(path).parent} is no directory", "name the log that CRIU writes or will write")
    return LogFollower(path)


def _stages(follower: "LogFollower", path: Path) -> "Iterator[Event]":
    from workbench.read.log_events import began_ns, stage_events

    lines = follower.new_lines()
    if not lines:
        return
    try:
        written = path.stat().st_mtime_ns
    except OSError:
        return
    began = began_ns(lines, written - time.time_ns() + time.monotonic_ns())
    if began is not None:
        yield from stage_events(lines, began)


def _names(namespaces: Sequence[NetworkNamespace]) -> dict[int, str]:
    return {
        each.inode: printable(each.names[0]) if each.names else "host"
        for each in namespaces
        if each.names or each.is_host
    }


def _say(gap: Gap) -> None:
    remedy = f"; {gap.remedy}" if gap.remedy else ""
    sys.stderr.write(printable(f"workbench: {gap.section}: {gap.reason}{remedy}") + "\n")


def _print(line: str) -> None:
    print(line, flush=True)
