"""One JSON document: schema 1 of docs/formats/check.schema.json."""

import json
from collections.abc import Iterator

from workbench import __version__
from workbench.checking import Finding
from workbench.cli.document import Row, evidence_header
from workbench.cli.formats.outcome import Outcome, Style, plain
from workbench.cli.formats.preflight import preflight_row
from workbench.present.text import printable


def lines(outcome: Outcome, _style: Style) -> Iterator[str]:
    """The document, indented for people who look at it."""
    yield json.dumps(document(outcome), indent=1)


def document(outcome: Outcome) -> Row:
    """The whole document; keys are only ever added."""
    return {
        "schema": 1,
        "tool": {"name": "workbench", "version": __version__},
        "evidence": evidence_header(outcome.evidence),
        "findings": [finding_row(finding) for finding in outcome.findings],
        "checks": {
            "passed": [check.code for check in outcome.passed],
            "skipped": [
                {"code": item.check.code, "reason": printable(item.reason), "asked": item.asked}
                for item in outcome.skipped
            ],
            "broken": [{"code": item.check.code, "error": printable(item.error)} for item in outcome.broken],
        },
        **({} if outcome.preflight is None else {"preflight": preflight_row(outcome.preflight)}),
    }


def finding_row(finding: Finding) -> Row:
    """One finding."""
    problem = finding.problem
    subject: Row = {"kind": problem.subject.kind, "title": printable(problem.subject.title)}
    keys = {name: plain(value) for name, value in problem.subject.keys.items() if name not in subject}
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "subject": subject | keys,
        "message": printable(problem.message),
        "explained_by": finding.explained_by,
        "facts": plain(problem.facts),
        "evidence": [
            {"source": printable(quote.source), "line": quote.line, "text": printable(quote.text)}
            for quote in problem.quotes
        ],
        "fix": [
            {
                "text": printable(fix.text),
                "command": [printable(word) for word in fix.command] or None,
                "safe": fix.safe,
            }
            for fix in problem.fixes
        ],
    }
