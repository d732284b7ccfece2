"""``workbench compare A B``: two moments, two image directories, images and a host, or both ends of connections."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from workbench.cli.document import Row, evidence_header
from workbench.cli.exit_status import ExitStatus
from workbench.evidence import Evidence, not_collected

LIVE = "live"
EXAMPLES = """\
each of A and B is whatever `workbench check` reads, several files joined by commas, `FILE@2` for the second moment of
a bundle, or `live` for this host

examples:
  workbench compare images-1 images-2            what happened between two dumps of the same process
  workbench compare images live                  was everything restored, and how far has it gone since?
  workbench compare server-images client-images  do both ends of the connections fit together?
  workbench compare before.ss,before.rules after.ss,after.rules

exit status: 0 everything fits together; 1 something does not; 2 usage, or a source that cannot be read;
3 nothing in the one belongs to anything in the other
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "compare",
        help="two moments, image directories or hosts: what changed, what does not fit together",
        description="Align the connections of two sources by addresses and ports, then both ends of one connection, "
        "then by process and descriptor. Say what changed, counting sequence numbers modulo 2^32, and what cannot be.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("first", metavar="A")
    parser.add_argument("second", metavar="B")
    parser.add_argument("--all", action="store_true", help="also sockets in which nothing changed")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=compare)


def compare(options: argparse.Namespace) -> int:
    """Print the comparison."""
    from workbench.evidence.columns import without_collection
    from workbench.evidence.comparison import compare as compared

    first, second = evidence_of(options.first), evidence_of(options.second)
    with without_collection():
        found = compared(first, second)
    if options.format == "json":
        from workbench.cli.comparison_rows import comparison_row

        document: Row = {"schema": 1, "first": evidence_header(first), "second": evidence_header(second)}
        print(json.dumps(document | comparison_row(found), indent=1))
    else:
        from workbench.present.comparison import comparison_lines
        from workbench.present.line import plain

        for each in comparison_lines(found, options.first, options.second, everything=options.all):
            print(plain(each))
    if found.misfits:
        return ExitStatus.FINDINGS
    return ExitStatus.CLEAN if found.pairs or found.rules_compared else ExitStatus.INCOMPLETE


def evidence_of(name: str) -> Evidence:
    """What one argument names. Raises WorkbenchError if any part of it cannot be read, or tells of no sockets."""
    if name == LIVE and not Path(name).exists():
        from workbench.collect.live import LiveSource

        source = LiveSource({"host", "namespaces", "processes", "sockets", "sequences", "rules", "locks"})
        try:
            return source.evidence()
        finally:
            source.close()
    from workbench.cli.sources import read_sources

    gathered = read_sources([name] if Path(name).exists() else name.split(","))
    if gathered.unreadable:
        raise gathered.unreadable[0]
    # not compared, and the other source must fit into memory beside this one
    return replace(gathered.evidence, events=not_collected("events"))
