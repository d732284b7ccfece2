"""``workbench events``: what happens to connections on this host, as it happens, and who reset which and why."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import scope
from workbench.cli.document import FORMATS
from workbench.cli.event_output import EventOutput
from workbench.cli.exit_status import ExitStatus
from workbench.cli.interruption import Interruption
from workbench.errors import WorkbenchError
from workbench.evidence import Capture, Connection, Evidence, Gap
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.collect.events.reader import EventReader
    from workbench.criu.log_follower import LogFollower
    from workbench.evidence.event import Event
    from workbench.evidence.selection import Selection

EXAMPLES = """\
examples:
  workbench events                                       everything, until Ctrl-C
  workbench events --pid 4645 --seconds 60               one process and its children
  workbench events --netns app --format jsonl > FILE     for other programs, and for later
  workbench events --criu-log images/dump.log            with the stages of a dump that runs
  workbench events --capture a.pcapng                    who sent a reset, asked of a capture that is being written
  workbench events FILE --connection 10.0.0.2:7022-10.0.0.1:56086
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
    parser.add_argument("recorded", nargs="?", metavar="FILE", help="events that were recorded as json or jsonl")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long; without it, Ctrl-C ends it")
    parser.add_argument("--criu-log", metavar="FILE", help="a log that CRIU writes meanwhile: its stages are shown too")
    parser.add_argument(
        "--capture", action="append", default=[], metavar="PCAP",
        help="ask this capture, which may still be written, about resets that came from elsewhere; may be repeated",
    )  # fmt: skip
    parser.add_argument("--format", choices=FORMATS, default="text")
    scope.add_options(parser)
    parser.set_defaults(func=events)


def events(options: argparse.Namespace) -> int:
    """Record and print until the time is over or somebody interrupts, or print what was recorded."""
    if options.recorded is not None:
        from workbench.cli.recorded_events import show_recorded

        return show_recorded(options)
    from workbench.collect.events.reader import EventReader

    if options.seconds is not None and not options.seconds > 0:
        raise WorkbenchError(f"--seconds {options.seconds:g} is no time", "give a number above 0")
    selection, host = _selection(options)
    follower = _follow(options.criu_log)
    reader = EventReader()
    with Interruption() as interruption, reader:
        timeline = _Timeline(reader, selection, options)
        for gap in reader.gaps:
            _say(gap)
        if reader.refused is None:
            timeline.begin()
            _record(reader, timeline, options, follower, interruption)
        reader.close()
        timeline.show(reader.take(0), None)
        timeline.end(host)
    return ExitStatus.CLEAN if reader.refused is None else ExitStatus.USAGE


def _record(
    reader: "EventReader",
    timeline: "_Timeline",
    options: argparse.Namespace,
    follower: "LogFollower | None",
    interruption: Interruption,
) -> None:
    try:
        end = None if options.seconds is None else time.monotonic() + options.seconds
        while not interruption.within(0) and (end is None or time.monotonic() < end):
            left = _WAIT_S if end is None else max(min(end - time.monotonic(), _WAIT_S), 0)
            complete = reader.complete_ns
            found = reader.take(left)
            if follower:
                found += _stages(follower, Path(options.criu_log))
            timeline.show(found, complete)
            # Many at a time: what belongs to a reset is looked for among all that are not settled yet.
            interruption.within(min(left, _WAIT_S / 2))
    finally:
        if follower:
            follower.close()


class _Timeline:
    """Prints what is wanted of a recording."""

    def __init__(self, reader: "EventReader", selection: "Selection", options: argparse.Namespace) -> None:
        from workbench.collect.events.recording import Recording
        from workbench.evidence.reset_witness import Witness

        wall_ns = time.time_ns() - time.monotonic_ns()
        self._reader = reader
        self._recording = Recording(reader)
        self._selection = selection
        self._output = EventOutput(options.format, wall_ns)
        self._witness = Witness(partial(_captures, options.capture), wall_ns) if options.capture else None

    def begin(self) -> None:
        """What stands before the first event."""
        self._recording.begin()
        self._output.begin()
        sys.stderr.write("workbench: recording; Ctrl-C ends it\n")

    def show(self, events: "Sequence[Event]", complete_ns: int | None) -> None:
        """Take events, and print those to which nothing can belong that happens later; None for all of them."""
        stretch = self._recording.settle(events, complete_ns)
        wanted = [event for event in stretch.events if self._selection.wants(event)]
        found = [one for one in stretch.attributions if self._selection.wants_connection(one.connection, one.netns)]
        if self._witness is not None:
            found = self._witness.asked(found, stretch.until_ns)
        self._output.write(wanted, found, stretch.names)

    def end(self, host: Evidence) -> None:
        """What stands after the last event."""
        self._output.end(host, self._reader.gaps, self._reader.lost)
        if self._reader.lost:
            sys.stderr.write(f"workbench: at least {self._reader.lost} records were lost\n")


def _selection(options: argparse.Namespace) -> "tuple[Selection, Evidence]":
    """What the options ask for, and the host for the header."""
    from workbench.collect.live import LiveSource
    from workbench.collect.processes import tree
    from workbench.evidence.selection import Selection

    by_process = options.pid is not None or options.container is not None
    of_host = ("processes", "sockets") if by_process else ("sockets",) if options.connection is not None else ()
    source = LiveSource({"host", *of_host})
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
    return Selection(pids, connections, netns, _homes(connections, evidence)), evidence


def _homes(connections: Iterable[Connection], evidence: Evidence) -> set[int]:
    """Network namespaces that have an end of one of them."""
    from workbench.evidence.socket_choice import Choice, choose

    if isinstance(evidence.sockets, Gap):
        return set()
    ends = {way for each in connections for way in (each.unmapped, each.unmapped.reversed)}
    near = choose(evidence.sockets, Choice(local_ports={way.local.port for way in ends}))
    return {socket.netns for socket in near if socket.connection.unmapped in ends}


def _captures(paths: Iterable[str]) -> list[Capture]:
    from workbench.read.pcap import read_capture

    found = []
    for path in paths:
        try:
            found.append(read_capture(path))
        except WorkbenchError as error:  # it may only just begin to be written
            sys.stderr.write(f"workbench: {printable(str(error))}\n")
    return found


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


def _say(gap: Gap) -> None:
    remedy = f"; {gap.remedy}" if gap.remedy else ""
    sys.stderr.write(printable(f"workbench: {gap.section}: {gap.reason}{remedy}") + "\n")
