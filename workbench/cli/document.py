"""One section of evidence on stdout: a table for people, or JSON; what is missing goes to stderr too."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from workbench.cli.exit_status import ExitStatus
from workbench.evidence import Evidence, Gap, Host
from workbench.present.text import printable

Row = dict[str, object]
FORMATS = ("text", "json", "jsonl")


def evidence_header(evidence: Evidence) -> Row:
    """``evidence`` of every JSON document: where it is from, when it was taken, what is not in it."""
    host = evidence.host
    return {
        "sources": [printable(source) for source in evidence.sources],
        "taken": datetime.fromtimestamp(evidence.taken, UTC).isoformat(timespec="milliseconds"),
        "host": printable(host.hostname) if isinstance(host, Host) else None,
        "redacted": False,
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
    listed = [] if isinstance(rows, Gap) else rows
    if form == "json":
        print(json.dumps({"schema": 1, "evidence": evidence_header(evidence), section: listed}, indent=1))
    else:
        for line in lines if form == "text" else map(json.dumps, listed):
            print(line)
    for gap in evidence.gaps:
        remedy = f"; {gap.remedy}" if gap.remedy else ""
        print(printable(f"workbench: {gap.section}: {gap.reason}{remedy}"), file=sys.stderr)
    return ExitStatus.USAGE if isinstance(rows, Gap) else ExitStatus.CLEAN


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; numbers to the right."""
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    numeric = [all(cell.isdecimal() for cell in column) for column in zip(*rows, strict=True)] or [False] * len(heading)
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in (heading, *rows)
    ]
