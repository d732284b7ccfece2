"""One section of evidence on stdout: a table for people, or JSON; what is missing goes to stderr too."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from workbench.cli.exit_status import ExitStatus
from workbench.evidence import Evidence, Gap, Host
from workbench.present.text import printable

Row = dict[str, object]
FORMATS = ("text", "json", "jsonl")
_AT_ONCE = 200


def evidence_header(evidence: Evidence) -> Row:
    """``evidence`` of every JSON document: where it is from, when it was taken, what is not in it."""
    host = evidence.host
    return {
        "sources": [printable(source) for source in evidence.sources],
        "taken": datetime.fromtimestamp(evidence.taken, UTC).isoformat(timespec="milliseconds"),
        "host": printable(host.hostname) if isinstance(host, Host) else None,
        "redacted": evidence.redacted,
        "gaps": [
            {
                "section": gap.section,
                "reason": printable(gap.reason),
                "remedy": printable(gap.remedy),
                "netns": gap.netns,
            }
            for gap in evidence.gaps
        ],
    }


def write_section(evidence: Evidence, section: str, rows: Sequence[Row] | Gap, lines: Sequence[str], form: str) -> int:
    """Write one section and return the exit status; ``lines`` is the section as a table, already printable."""
    if isinstance(rows, Gap):
        return write_encoded(evidence, section, rows, form)
    return write_encoded(evidence, section, lines if form == "text" else list(map(json.dumps, rows)), form)


def write_encoded(
    evidence: Evidence, section: str, rows: Iterable[str] | Gap, form: str, at_once: int = _AT_ONCE
) -> int:
    """The same for rows that are text already: lines of a table, or an object of JSON each.

    They are written ``at_once``: all of them as one text take longer to make than to write.
    """
    listed = iter(() if isinstance(rows, Gap) else rows)
    if form == "json":
        header = json.dumps({"schema": 1, "evidence": evidence_header(evidence)}, indent=1)
        sys.stdout.write(f'{header[:-2]},\n "{section}": [')
        mark = "\n"
        while some := list(islice(listed, at_once)):
            sys.stdout.write(mark + ",\n".join(some))
            mark = ",\n"
        sys.stdout.write("\n]\n}\n" if mark == ",\n" else "]\n}\n")
    else:
        while some := list(islice(listed, at_once)):
            sys.stdout.write("\n".join(some) + "\n")
    for gap in evidence.gaps:
        remedy = f"; {gap.remedy}" if gap.remedy else ""
        print(printable(f"workbench: {gap.section}: {gap.reason}{remedy}"), file=sys.stderr)
    return ExitStatus.USAGE if isinstance(rows, Gap) else ExitStatus.CLEAN


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; numbers to the right."""
    forms = []
    for title, column in zip(heading, list(zip(*rows, strict=True)) or [()] * len(heading), strict=True):
        width = max(len(title), max(map(len, column), default=0))
        numeric = bool(column) and all(map(str.isdecimal, column))
        forms.append(f"%{width}s" if numeric else f"%-{width}s")
    if forms[-1].startswith("%-"):
        forms[-1] = "%s"  # nothing follows
    template = "  ".join(forms)
    return [template % tuple(row) for row in (heading, *rows)]


def namespace_names(evidence: Evidence) -> dict[int, str]:
    """What people call each namespace: its name under /run/netns, or ``host``."""
    if isinstance(evidence.namespaces, Gap):
        return {}
    return {
        namespace.inode: printable(namespace.names[0]) if namespace.names else "host"
        for namespace in evidence.namespaces
        if namespace.names or namespace.is_host
    }
