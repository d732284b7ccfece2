"""``workbench capture``: the segments of chosen connections, live, into a file or as a list."""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from workbench.cli.exit_status import ExitStatus
from workbench.cli.interruption import Interruption
from workbench.cli.packets import add_output_options, write_capture
from workbench.cli.packets import packets as show_file
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Evidence, Gap, NetworkNamespace, Packet
from workbench.evidence.socket_choice import Choice, choose
from workbench.present.text import printable
from workbench.present.units import count

if TYPE_CHECKING:
    from workbench.collect.capture import LiveCapture, Saved

_WAIT_S = 0.5
MOST_PACKETS = 200_000
"""Listed without -o."""
_EPILOG = """\
examples:
  workbench capture --connection 10.0.0.2:80-10.0.0.1:40000 -o trace.pcapng
  workbench capture --pid 4645 --seconds 10                 the connections of a process, listed
  workbench capture --netns app --max-bytes 10000000 -o trace.pcapng
  workbench capture trace.pcapng                            the same as workbench packets trace.pcapng

Only headers are captured: what programs say to each other stays out unless --payload asks for it. A filter in the
kernel lets nothing else through; both ends are captured where both are on this host. Ctrl-C ends it.
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "capture",
        help="capture the segments of chosen connections",
        description="Capture the TCP segments of chosen connections, in every network namespace of this host where "
        "they have an end, into a pcapng file or as a list.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="show this capture instead")
    parser.add_argument("--connection", metavar="LOCAL-PEER", action="append", help="this connection; may be repeated")
    parser.add_argument("--pid", type=int, metavar="PID", help="the connections of a process, as they are now")
    parser.add_argument("--netns", metavar="NAME|PATH", action="append", help="there; alone: all TCP in it")
    parser.add_argument("-o", "--output", metavar="FILE", help="write pcapng, which Wireshark opens")
    parser.add_argument("--seconds", metavar="N", type=float, help="end after so long")
    parser.add_argument("--max-bytes", metavar="N", type=int, help="end when the file is so large (104857600)")
    parser.add_argument("--payload", action="store_true", help="with what the programs say to each other")
    add_output_options(parser)
    parser.set_defaults(func=capture)


def capture(options: argparse.Namespace) -> int:
    """Capture until the end that was asked for."""
    if options.file is not None:
        options.connection = (options.connection or [None])[0]
        return show_file(options)
    from workbench.collect.capture import MOST_BYTES, LiveCapture, Saved

    if options.seconds is not None and not options.seconds > 0:
        raise WorkbenchError(f"--seconds {options.seconds:g} is no time", "give a number above 0")
    connections, namespaces = chosen(options)
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        live = LiveCapture(namespaces, connections, payload=options.payload)
        stack.callback(live.close)
        saved = None
        if options.output:
            most = MOST_BYTES if options.max_bytes is None else options.max_bytes
            kept = "" if options.payload else "headers only"
            saved = Saved(stack.enter_context(_opened(options.output)), kept, most)
        what = "all TCP" if connections is None else count(len(connections), "connection")
        where = ", ".join(printable(name) or "this network namespace" for _, name in namespaces.values())
        sys.stderr.write(f"workbench: capturing {what} in {where}; Ctrl-C ends it\n")
        packets = _record(live, saved, options, interruption)
        if saved is not None:
            saved.finish(live.interfaces)
            said = f"{count(saved.packets, 'packet')} written to {options.output}"
            sys.stderr.write(printable(f"workbench: {said}, {live.dropped} came too quickly") + "\n")
        else:
            write_capture(live.capture(packets), options)
    return ExitStatus.CLEAN


def _record(
    live: "LiveCapture", saved: "Saved | None", options: argparse.Namespace, interruption: Interruption
) -> list[Packet]:
    """Packets for the list, none of them where they go into a file."""
    end = None if options.seconds is None else time.monotonic() + options.seconds
    packets: list[Packet] = []
    over = False
    while not over:
        left = _WAIT_S if end is None else max(min(end - time.monotonic(), _WAIT_S), 0)
        over = interruption.within(0) or (end is not None and time.monotonic() >= end)
        found = live.rest() if over else live.take(left)
        if saved is not None:
            if not saved.write(record for record, _ in found):
                sys.stderr.write("workbench: the file is as large as it may be\n")
                over = True
            continue
        packets += [packet for _, packet in found if packet is not None]
        if len(packets) > MOST_PACKETS:
            sys.stderr.write(f"workbench: more than {MOST_PACKETS} segments: write them to a file with -o\n")
            over = True
    return packets


def chosen(
    options: argparse.Namespace,
) -> tuple[list[Connection] | None, dict[int, tuple[NetworkNamespace, str]]]:
    """The connections, None for all, and where they have an end. Raises WorkbenchError."""
    from workbench.cli.scope import namespace_inode, parse_connection
    from workbench.collect.capture import places_of
    from workbench.collect.live import LiveSource

    if not (options.connection or options.pid is not None or options.netns):
        raise WorkbenchError("No connection was named", "name --connection, --pid or --netns")
    source = LiveSource({"sockets"})
    try:
        evidence = source.evidence()
    finally:
        source.close()
    connections = {parse_connection(text).unmapped for text in options.connection or ()}
    if options.pid is not None:
        connections |= _of_process(options.pid, evidence)
    connections = {min(each, each.reversed) for each in connections}  # both ends may be this process's
    all_tcp = not options.connection and options.pid is None
    places = places_of(connections, evidence, [namespace_inode(name) for name in options.netns or ()])
    return None if all_tcp else sorted(connections), places


def _of_process(pid: int, evidence: Evidence) -> set[Connection]:
    if isinstance(evidence.sockets, Gap):
        raise WorkbenchError(evidence.sockets.reason, evidence.sockets.remedy)
    found = {each.connection.unmapped for each in choose(evidence.sockets, Choice(pids={pid})) if each.peer.port}
    if not found:
        if not os.access(f"/proc/{pid}/fd", os.R_OK, effective_ids=True) and Path(f"/proc/{pid}").exists():
            raise WorkbenchError(f"The open files of process {pid} may not be looked at", "run the workbench as root")
        reason = "has no TCP connection" if Path(f"/proc/{pid}").exists() else "is not there"
        raise WorkbenchError(f"Process {pid} {reason}", "`workbench sockets` lists them")
    return found


def _opened(path: str) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be written: {error.strerror}", "name another file") from error
