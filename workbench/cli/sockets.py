"""``workbench sockets``: every TCP socket of the host with its owner and sequence numbers."""

import argparse
from collections.abc import Sequence

from workbench.cli import scope
from workbench.cli.document import FORMATS, namespace_names, write_encoded
from workbench.evidence import Evidence, Gap, Socket

_EPILOG = """\
examples:
  workbench sockets                      every socket of every network namespace, with its owner
  workbench sockets --sequences          the same, and where both of its sequence spaces stand
  workbench sockets --pid 4645           those of a process and its children; likewise of a container or a namespace
  workbench sockets --format jsonl | jq 'select(.send_q > 0)'
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    title = "every TCP socket of every network namespace"
    parser = subparsers.add_parser(
        "sockets",
        help=title,
        description=f"List {title}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a bundle, or the output of ss; else this host")
    parser.add_argument("--sequences", action="store_true", help="show sequence numbers and windows in the text too")
    parser.add_argument("--format", choices=FORMATS, default="text")
    scope.add_options(parser)
    parser.set_defaults(func=sockets)


def sockets(options: argparse.Namespace) -> int:
    """Print the sockets with their sequence numbers."""
    from workbench.cli.socket_rows import json_rows, text_rows
    from workbench.cli.source_or_host import looked_at
    from workbench.collect.inet_diag import CONG
    from workbench.collect.socket_columns import columns_of

    by_process = options.pid is not None or options.container is not None
    sections = {"host", "sockets", "sequences", *(("processes",) if by_process else ())}
    # The kernel takes a quarter less time where nobody asks for tcp_info, of which nothing is listed.
    with looked_at(options.source, sections, (CONG,)) as evidence:
        if isinstance(evidence.sockets, Gap):
            return write_encoded(evidence, "sockets", evidence.sockets, options.format)
        with_numbers = options.sequences or options.format != "text"
        asked_for = _part(options, evidence, evidence.sockets) if scope.asked(options) else evidence.sockets
        columns = columns_of(asked_for, evidence.sequences if with_numbers else {})
    names = namespace_names(evidence)
    if options.format == "text":
        rows = text_rows(columns, names, sequences=options.sequences)
    else:
        rows = json_rows(columns, names, ",\n" if options.format == "json" else "\n")
    return write_encoded(evidence, "sockets", rows, options.format, at_once=1)


def _part(options: argparse.Namespace, evidence: Evidence, sockets: Sequence[Socket]) -> list[Socket]:
    """Those of the part of the host that the options name; WorkbenchError if there is no such part."""
    from workbench.collect.processes import tree

    pids: Sequence[int] = ()
    if options.pid is not None or options.container is not None:
        named = scope.roots(options, evidence.processes, "" if options.source is None else " FILE")
        pids = () if isinstance(evidence.processes, Gap) else tree(evidence.processes, named)
    part = scope.scope_of(options, evidence, pids, recorded=options.source is not None)
    # A process's connections are told apart from equal ones of other namespaces by who has them open.
    connections = part.connections if options.connection is not None else ()
    return [
        each
        for each in sockets
        if each.netns in part.netns
        or str(each.connection) in connections
        or any(holder.pid in part.pids for holder in each.holders)
    ]
