"""``workbench sockets``: every TCP socket of the host with its owner and sequence numbers.

The list can be 100 000 rows long, hence columns first, and one template that is filled in for each row.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from workbench.cli import scope
from workbench.cli.document import FORMATS, aligned, namespace_names, write_encoded
from workbench.evidence import Evidence, Gap, Socket
from workbench.present.text import printable

if TYPE_CHECKING:  # numpy comes with it
    from workbench.collect.descriptor_rows import HolderColumns
    from workbench.collect.socket_columns import SocketColumns

_SEQUENCE_DIGITS = 10  # of 2^32
_COMBINATIONS = 1024
"""Of queues and timers that are remembered: most sockets are idle."""
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
    from workbench.cli.sources import looked_at
    from workbench.collect.socket_columns import columns_of

    by_process = options.pid is not None or options.container is not None
    sections = {"host", "sockets", "sequences", *(("processes",) if by_process else ())}
    with looked_at(options.source, sections) as evidence:
        if isinstance(evidence.sockets, Gap):
            return write_encoded(evidence, "sockets", evidence.sockets, options.format)
        with_numbers = options.sequences or options.format != "text"
        asked_for = _part(options, evidence, evidence.sockets) if scope.asked(options) else evidence.sockets
        columns = columns_of(asked_for, evidence.sequences if with_numbers else {})
    names = namespace_names(evidence)
    as_text = options.format == "text"
    rows = text_rows(columns, names, sequences=options.sequences) if as_text else json_rows(columns, names)
    return write_encoded(evidence, "sockets", rows, options.format)


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


def json_rows(columns: "SocketColumns", names: Mapping[int, str]) -> Iterator[str]:
    """Each socket as a JSON object; what is not known is null, as sequence numbers are where they cannot be had.

    Fields of which few combinations occur are texts already when the template is filled in.
    """
    plain, held = columns.plain, columns.holders

    @cache
    def kind(netns: int, family: int, state: str) -> str:
        name = _quoted(names.get(netns))
        return f'"netns": {netns}, "netns_name": {name}, "family": {family}, "state": "{state}"'

    @lru_cache(_COMBINATIONS)
    def queues(received: int, sent: int, timer: str, left_ms: int, count: int) -> str:
        timers = f'"timer": "{timer}", "timer_ms": {left_ms}, "retransmits": {count}'
        return f'"recv_q": {received}, "send_q": {sent}, {timers}'

    @cache
    def means(congestion: str | None, mptcp: bool) -> str:
        return f'"congestion": {_quoted(congestion)}, "mptcp": {"true" if mptcp else "false"}'

    fields: list[tuple[str, Iterable[object]]] = [
        ("%s", map(kind, plain["netns"], plain["family"], columns.state)),
        ('"local": "%s"', columns.local),
        ('"peer": "%s"', columns.peer),
        ("%s", _holders(held)),
        ('"inode": %d', plain["inode"]),
        ('"cookie": %d', plain["cookie"]),
        ('"uid": %d', plain["uid"]),
        ("%s", map(queues, plain["recv_q"], plain["send_q"], columns.timer, plain["timer_ms"], plain["retransmits"])),
        ("%s", map(means, columns.congestion, columns.mptcp)),
    ]
    fields += [(f'"{name}": %s', _or_null(column)) for name, column in columns.sequences.items()]
    template = "{" + ", ".join(form for form, _ in fields) + "}"
    return map(template.__mod__, zip(*(column for _, column in fields), strict=True))


def text_rows(columns: "SocketColumns", names: Mapping[int, str], *, sequences: bool = False) -> list[str]:
    """A heading and a line for each socket."""
    plain = columns.plain
    timers = zip(columns.timer, plain["timer_ms"], plain["retransmits"], strict=True)
    peers = zip(columns.state, columns.peer, strict=True)
    queues = {"RCVQ": plain["recv_q"], "SNDQ": plain["send_q"]}
    widths = {title: len(str(max(column, default=0))) for title, column in queues.items()}
    cells: dict[str, Sequence[object]] = {
        "STATE": columns.state,
        "NETNS": [names.get(netns) or str(netns) for netns in plain["netns"]],
        "LOCAL": columns.local,
        "PEER": ["-" if state == "LISTEN" else peer for state, peer in peers],
        **queues,
        "TIMER": ["-" if name == "none" and not count else _timer(name, left, count) for name, left, count in timers],
    }
    for name, column in columns.sequences.items() if sequences else ():
        cells[name.upper()] = ["-" if each is None else each for each in column]
        widths[name.upper()] = _SEQUENCE_DIGITS
    held = columns.holders
    processes = zip(held.command, held.pid, held.fd, strict=True)
    process = ["-" if command is None else f"{_shown(command)} {pid} fd {fd}" for command, pid, fd in processes]
    for place, holders in held.several.items():
        process[place] += f" +{len(holders) - 1}"
    cells["PROCESS"] = process
    return aligned(tuple(cells), tuple(cells.values()), widths)


def _timer(name: str, left_ms: int, count: int) -> str:
    text = "-" if name == "none" else f"{name} {left_ms / 1000:.1f}s"
    return f"{text} x{count}" if count else text


def _or_null(column: Sequence[int | None]) -> Iterable[object]:
    return column if None not in column else ("null" if each is None else each for each in column)


def _holders(held: "HolderColumns") -> list[str]:
    """The first one of each, then all."""
    form = '"pid": {0}, "fd": {1}, "command": {2}, "holders": {3}'.format
    nobody = form("null", "null", "null", "[]")
    found = []
    for pid, fd, command in zip(held.pid, held.fd, held.command, strict=True):
        if command is None:
            found.append(nobody)
            continue
        name = _quoted(command)
        found.append(f'"pid": {pid}, "fd": {fd}, "command": {name}, "holders": [[{pid}, {fd}, {name}]]')
    for place, holders in held.several.items():
        everybody = json.dumps([[holder.pid, holder.fd, printable(holder.command)] for holder in holders])
        found[place] = form(held.pid[place], held.fd[place], _quoted(held.command[place]), everybody)
    return found


@cache
def _shown(text: str) -> str:
    return printable(text)


@cache
def _quoted(text: str | None) -> str:
    return "null" if text is None else json.dumps(printable(text))
