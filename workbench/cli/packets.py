"""``workbench packets``: a capture from a file as a list of segments with what is notable about each."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.cli.document import Row
from workbench.cli.exit_status import ExitStatus
from workbench.evidence import Capture, Gap
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.evidence.packet_notes import Followed
    from workbench.present.packets import PacketRows

_EPILOG = """\
examples:
  workbench packets trace.pcapng                                 every segment, with what is notable
  workbench packets trace.pcap --notable                         only those with something to note
  workbench packets trace.pcap --connection 10.0.0.2:80-10.0.0.1:40000
  workbench check trace.pcap images                              what is wrong, judged together with images

pcap and pcapng of either byte order, of Ethernet, cooked, raw and loopback link layers. Segments that are missing
since the capture was too slow are counted, and look like gaps.
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "packets",
        help="a packet capture as a list of segments, with what is notable",
        description="Show the TCP segments of a pcap or pcapng file: numbers, windows, and what is notable about each: "
        "gaps, retransmissions, closed windows, probes, resets in and out of the window, silences.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="pcap, pcapng, or a bundle with captures")
    parser.add_argument("--connection", metavar="LOCAL-PEER", help="only this connection")
    add_output_options(parser)
    parser.set_defaults(func=packets)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """How a list of segments is printed."""
    parser.add_argument("--notable", action="store_true", help="only segments with something to note")
    parser.add_argument("--copies", action="store_true", help="list the same segment at other interfaces too")
    parser.add_argument("--format", choices=("text", "json", "jsonl"), default="text")


def packets(options: argparse.Namespace) -> int:
    """Print a file."""
    from workbench.cli.scope import parse_connection
    from workbench.cli.sources import evidence_of_bundle
    from workbench.evidence.packet import as_one, of_connection
    from workbench.read.pcap import read_capture

    wanted = parse_connection(options.connection) if options.connection else None
    recorded = evidence_of_bundle(options.file, "captures")
    if recorded is None or isinstance(recorded.captures, Gap):
        capture = read_capture(options.file, wanted=wanted)
    else:
        capture = as_one(recorded.captures)
        capture = capture if wanted is None else of_connection(capture, wanted)
    write_capture(capture, options)
    return ExitStatus.CLEAN


def write_capture(capture: Capture, options: argparse.Namespace) -> None:
    """Print the segments, one by one since they may be many, and a summary."""
    from workbench.evidence.packet_notes import follow
    from workbench.present.line import plain_lines
    from workbench.present.packets import COLUMNS, PacketRows, summary_lines
    from workbench.present.table import aligned_lines

    followed = follow(capture.packets)
    listed = rows(followed, notable=options.notable)
    if options.format == "jsonl":
        for row in listed:
            print(json.dumps(row))
    elif options.format == "json":
        head = json.dumps({"schema": 1, "capture": _capture_row(capture)}, indent=1)
        sys.stdout.write(f'{head[:-2]},\n "packets": [')
        for number, row in enumerate(listed):
            sys.stdout.write(f"{',' if number else ''}\n{json.dumps(row)}")
        sys.stdout.write("\n]\n}\n")
    else:
        packets = PacketRows.of(capture, followed)
        filled = {n for row in _cells(packets, options) for n, cell in enumerate(row) if cell}
        if filled:
            chosen = sorted(filled)
            for each in aligned_lines(
                [COLUMNS[number] for number in chosen],
                lambda: ([row[number] for number in chosen] for row in _cells(packets, options)),
            ):
                print(each)
            print()
        print("\n".join(plain_lines(summary_lines(capture, followed))))


def _cells(packets: "PacketRows", options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    return packets.cells(copies=options.copies, notable=options.notable)


def _capture_row(capture: Capture) -> Row:
    return {
        "origin": printable(capture.origin),
        "interfaces": [
            {"name": printable(each.name), "netns": each.netns, "received": each.received, "dropped": each.dropped}
            for each in capture.interfaces
        ],
        "others": capture.others,
        "unreadable": capture.unreadable,
        "comments": [printable(text) for text in capture.comments],
        "problems": [printable(text) for text in capture.problems],
    }


def rows(followed: "Followed", *, notable: bool = False) -> Iterator[Row]:
    """Each segment for JSON; ``seq`` and ``ack`` are absolute, the relative ones stand beside them."""
    for one in followed.segments:
        packet = one.packet
        if notable and not one.notes:
            continue
        yield {
            "at_ns": packet.at_ns,
            "interface": packet.interface,
            "incoming": packet.incoming,
            "from": str(packet.way.local),
            "to": str(packet.way.peer),
            "flags": packet.flags,
            "seq": packet.seq,
            "ack": packet.ack if packet.acks else None,
            "relative_seq": one.seq,
            "relative_ack": one.ack,
            "window": packet.window,
            "length": packet.length,
            "ttl": packet.ttl,
            "mss": packet.mss,
            "wscale": packet.wscale,
            "sack_permitted": packet.sack_permitted,
            "tsval": packet.tsval,
            "tsecr": packet.tsecr,
            "sack": [list(block) for block in packet.sack],
            "notes": [{"sign": note.sign.value, "value": note.value} for note in one.notes],
        }
