"""JUnit XML: one test case a check; findings are failures, skips and crashes are what JUnit calls so."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from workbench.checking import Finding, Severity
from workbench.checking.check import Check
from workbench.cli.formats.outcome import Outcome, Style
from workbench.present.text import printable


def lines(outcome: Outcome, _style: Style) -> Iterator[str]:
    """One test suite; notes alone do not make a check fail."""
    found: dict[str, list[Finding]] = {}
    for finding in outcome.findings:
        if finding.severity is not Severity.NOTE:
            found.setdefault(finding.code, []).append(finding)
    number = len(outcome.passed) + len(outcome.failed) + len(outcome.skipped) + len(outcome.broken)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<testsuite name="workbench" tests="{number}" failures="{len(found)}" errors="{len(outcome.broken)}"'
        f' skipped="{len(outcome.skipped)}">'
    )
    for check in (*outcome.failed, *outcome.passed):
        yield from _case(check, "".join(map(_failure, found.get(check.code, ()))))
    for skipped in outcome.skipped:
        yield from _case(skipped.check, f"<skipped message={_attribute(skipped.reason)}/>")
    for broken in outcome.broken:
        yield from _case(broken.check, f"<error message={_attribute(broken.error)}/>")
    yield "</testsuite>"


def _case(check: Check, content: str) -> Iterator[str]:
    head = f"<testcase classname={_attribute(check.code[:3])} name={_attribute(f'{check.code} {check.name}')}"
    yield f"  {head}>{content}</testcase>" if content else f"  {head}/>"


def _failure(finding: Finding) -> str:
    text = "\n".join(printable(f"{quote.source}:{quote.line or ''} {quote.text}") for quote in finding.problem.quotes)
    message = f"{finding.problem.subject.title}: {finding.problem.message}"
    return f"<failure type={_attribute(finding.severity.value)} message={_attribute(message)}>{escape(text)}</failure>"


def _attribute(text: str) -> str:
    return quoteattr(printable(text))
