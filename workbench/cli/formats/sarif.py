"""SARIF 2.1.0: findings are results; what was skipped or broke are notifications, since consumers count results."""

import json
import shlex
from collections.abc import Iterator

from workbench import __version__
from workbench.checking import Finding
from workbench.checking.check import Check
from workbench.checking.requirements import sections_of
from workbench.cli.document import Row
from workbench.cli.formats.json import finding_row
from workbench.cli.formats.outcome import Outcome, Style
from workbench.present.text import printable

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def lines(outcome: Outcome, _style: Style) -> Iterator[str]:
    """One run of one tool."""
    yield json.dumps(log(outcome), indent=1)


def log(outcome: Outcome) -> Row:
    """The whole SARIF log."""
    checks = (*outcome.failed, *outcome.passed)
    index = {check.code: number for number, check in enumerate(checks)}
    notifications = [
        _notification(item.check, "error", f"the check broke: {item.error}") for item in outcome.broken
    ] + [_notification(item.check, "note", f"skipped: {item.reason}") for item in outcome.skipped if item.asked]
    driver: Row = {"name": "workbench", "version": __version__, "rules": [_rule(check) for check in checks]}
    invocation: Row = {
        "executionSuccessful": not outcome.broken,
        "toolExecutionNotifications": notifications,
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [invocation],
                "results": [_result(finding, index[finding.code]) for finding in outcome.findings],
            }
        ],
    }


def _rule(check: Check) -> Row:
    sections = dict(sections_of(check.page))
    return {
        "id": check.code,
        "name": check.name,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": sections["Why it matters"]},
        "help": {"text": sections["What to do"]},
    }


def _notification(check: Check, level: str, text: str) -> Row:
    return {"level": level, "associatedRule": {"id": check.code}, "message": {"text": printable(text)}}


def _result(finding: Finding, index: int) -> Row:
    problem = finding.problem
    steps = [printable(f"{fix.text} `{shlex.join(fix.command)}`" if fix.command else fix.text) for fix in problem.fixes]
    subject = {"name": printable(problem.subject.title), "kind": problem.subject.kind}
    locations = [_location(quote.source, quote.line, quote.text) for quote in problem.quotes if quote.line is not None]
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": " ".join([printable(problem.message), *steps])},
        "locations": [{"logicalLocations": [subject], **(locations[0] if locations else {})}],
        **({"relatedLocations": locations[1:]} if locations[1:] else {}),
        "properties": {key: value for key, value in finding_row(finding).items() if key in {"facts", "explained_by"}},
    }


def _location(source: str, line: int, text: str) -> Row:
    from urllib.parse import quote

    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(printable(source))},
            "region": {"startLine": line, "snippet": {"text": printable(text)}},
        }
    }
