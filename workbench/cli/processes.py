"""``workbench processes``: every process of the host."""

import argparse
from collections.abc import Mapping

from workbench.cli.document import FORMATS, Row, namespace_names, table, write_section
from workbench.evidence import Evidence, Gap, Process
from workbench.present.text import printable

EXAMPLES = """\
examples:
  workbench processes                            every process of this host
  workbench processes --format jsonl | jq -r 'select(.container) | .pid'
  workbench processes workbench-bundle.zip       those of the host that a bundle came from
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    title = "every process with its user, namespaces and container"
    parser = subparsers.add_parser("processes", help=title, description=f"List {title}.", epilog=EXAMPLES)
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a bundle; else this host")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.set_defaults(func=processes)


def processes(options: argparse.Namespace) -> int:
    """Print the processes."""
    from workbench.cli.source_or_host import looked_at

    with looked_at(options.source, {"host", "processes"}) as evidence:
        return _print(evidence, options.format)


def _print(evidence: Evidence, form: str) -> int:
    if isinstance(evidence.processes, Gap):
        return write_section(evidence, "processes", evidence.processes, (), form)
    names = namespace_names(evidence)
    listed = list(evidence.processes.values())
    rows = [process_row(each, names) for each in listed]
    heading = ("PID", "PPID", "USER", "S", "THREADS", "NETNS", "CONTAINER", "COMMAND")
    cells = [_process_cells(each, names) for each in listed]
    return write_section(evidence, "processes", rows, table(heading, cells), form)


def process_row(process: Process, names: Mapping[int, str]) -> Row:
    """One process for JSON."""
    container = process.container
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "start_time": process.start_time,
        "command": printable(process.command),
        "argv": [printable(argument) for argument in process.argv],
        "user": printable(process.user),
        "uid": process.uid,
        "state": process.state,
        "threads": process.threads,
        "pgid": process.pgid,
        "sid": process.sid,
        "netns": process.namespaces.net,
        "netns_name": names.get(process.namespaces.net or 0),
        "container": container and {"engine": container.engine, "id": printable(container.id)},
        "exe": None if process.exe is None else printable(process.exe),
        "cgroup": None if process.cgroup is None else printable(process.cgroup),
        "rss_bytes": process.rss_bytes,
    }


def _process_cells(process: Process, names: Mapping[int, str]) -> tuple[str, ...]:
    netns = process.namespaces.net
    container = process.container
    return (
        str(process.pid),
        str(process.ppid),
        printable(process.user),
        process.state,
        str(process.threads),
        "-" if netns is None else names.get(netns, str(netns)),
        printable(f"{container.engine} {container.id[:12]}") if container else "-",
        printable(" ".join(process.argv) or f"[{process.command}]"),
    )
