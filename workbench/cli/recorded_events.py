"""``workbench events FILE``: a recorded timeline."""

import argparse
from collections.abc import Mapping

from workbench.cli import scope
from workbench.cli.event_output import EventOutput
from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap
from workbench.evidence.reset_witness import recorded_resets, with_captures
from workbench.evidence.selection import Selection
from workbench.read.events_file import RecordedEvents, read_events
from workbench.read.pcap import read_capture


def show_recorded(options: argparse.Namespace) -> int:
    """Print what concerns the named process, connection or namespace as it was recorded; everything if none is."""
    for name in ("seconds", "criu_log", "container"):
        if getattr(options, name) is not None:
            word = name.replace("_", "-")
            raise WorkbenchError(f"--{word} is about this host, not about a recording", f"leave out FILE or --{word}")
    recorded = _of_bundle(options.recorded) or read_events(options.recorded)
    selection = Selection(
        [options.pid] if options.pid is not None else [],
        [scope.parse_connection(options.connection)] if options.connection is not None else [],
        [_inode(options.netns, recorded.names)] if options.netns is not None else [],
    )
    captures = tuple(map(read_capture, options.capture))
    output = EventOutput(options.format, recorded.wall_ns)
    output.begin()
    events = [event for event in recorded.events if selection.wants(event)]
    found = [
        with_captures(one, captures, recorded.wall_ns) if captures else one
        for one in recorded.attributions
        if selection.wants_connection(one.connection, one.netns)
    ]
    output.write(events, found, recorded.names)
    first = recorded.events[0].at_ns if recorded.events else 0
    evidence = Evidence((first + recorded.wall_ns) / 1e9, first, (str(options.recorded),))
    output.end(evidence, (), sum(event.lost for event in recorded.events))
    return ExitStatus.CLEAN


def _of_bundle(path: str) -> RecordedEvents | None:
    """The events of a bundle, with what follows from them; None for another file. Raises WorkbenchError."""
    from workbench.cli.document import namespace_names
    from workbench.cli.sources import evidence_of
    from workbench.read.recognise import Kind, recognise

    try:
        kind = recognise(path)
    except WorkbenchError:
        return None
    if kind is not Kind.BUNDLE:
        return None
    evidence = evidence_of(path)
    if isinstance(evidence.events, Gap):
        raise WorkbenchError(f"{path} has no events: {evidence.events.reason}", "`bundle --seconds N` records them")
    return RecordedEvents(
        evidence.events,
        recorded_resets(evidence),
        round(evidence.taken * 1e9) - evidence.monotonic_ns,
        namespace_names(evidence),
    )


def _inode(word: str, names: Mapping[int, str]) -> int:
    for inode, name in names.items():
        if word in {name, str(inode)}:
            return inode
    if word.isdecimal():
        return int(word)
    raise WorkbenchError(f"no network namespace of the recording is called {word}", "name it as its rows do")
