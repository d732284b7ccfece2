"""Findings for people: what, why it matters to them, what to do; then a line that also says what was not seen."""

import shlex
from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from workbench.checking import Finding, Severity
from workbench.cli.formats.outcome import Outcome, Style
from workbench.present.text import printable

_COLOURS = {Severity.ERROR: "31;1", Severity.WARNING: "33;1", Severity.NOTE: "36"}
_QUOTES = 3
_LEAST_WIDTH = 40


def lines(outcome: Outcome, style: Style) -> Iterator[str]:
    """Each finding as a paragraph, notes under what explains them; then a summary, unless quiet."""
    for finding in outcome.findings:
        yield from _finding(finding, style)
    if style.quiet:
        return
    if outcome.findings:
        yield ""
    if outcome.preflight is not None:
        from workbench.cli.formats.preflight import preflight_lines

        for line in preflight_lines(outcome.preflight, verbose=style.verbose):
            yield from _wrapped(line, style, "")
    yield from _wrapped(_summary(outcome), style, "")
    for broken in outcome.broken:
        yield from _wrapped(printable(f"{broken.check.code} broke: {broken.error}"), style, "  ")
    if style.verbose:
        yield from _verbose(outcome)


def _finding(finding: Finding, style: Style) -> Iterator[str]:
    problem = finding.problem
    indent = "  " if finding.explained_by else ""
    severity = finding.severity.value
    if style.colour:
        severity = f"\x1b[{_COLOURS[finding.severity]}m{severity}\x1b[0m"
    yield f"{indent}{severity} {finding.code} {finding.name}: {printable(problem.subject.title)}"
    inner = indent + "  "
    yield from _wrapped(printable(problem.message), style, inner)
    if finding.explained_by:
        yield f"{inner}follows from {finding.explained_by}"
        if not style.verbose:
            return
    for quote in problem.quotes if style.verbose else problem.quotes[:_QUOTES]:
        where = f"{quote.source}:{quote.line}" if quote.line else quote.source
        yield f"{inner}| {printable(where)}: {printable(quote.text, None if style.verbose else 200)}"
    for fix in problem.fixes:
        yield from _wrapped(printable(fix.text), style, f"{inner}-> ")
        if fix.command:
            yield f"{inner}   $ {printable(shlex.join(fix.command))}{'   (safe)' if fix.safe else ''}"


def _wrapped(text: str, style: Style, indent: str) -> Iterator[str]:
    if not style.width:
        yield indent + text
        return
    yield from wrap(
        text, max(style.width, _LEAST_WIDTH), initial_indent=indent, subsequent_indent=" " * len(indent),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _summary(outcome: Outcome) -> str:
    counted = [_plural(outcome.count(severity), severity.value) for severity in Severity if outcome.count(severity)]
    parts = [", ".join(counted) or "nothing found", f"{len(outcome.passed)} checks passed"]
    asked = [item for item in outcome.skipped if item.asked]
    if asked:
        reasons = Counter(item.reason for item in asked)
        said = "; ".join(f"{number} for {printable(reason)}" for reason, number in reasons.most_common(3))
        parts.append(f"{len(asked)} skipped ({said})")
    if outcome.broken:
        parts.append(f"{len(outcome.broken)} broke")
    if outcome.hidden:
        parts.append(f"{outcome.hidden} less severe not shown")
    return "; ".join(parts)


def _verbose(outcome: Outcome) -> Iterator[str]:
    for check in outcome.passed:
        yield f"  passed {check.code} {check.name}"
    for item in outcome.skipped:
        yield f"  skipped {item.check.code} {item.check.name}: {printable(item.reason)}"
    for gap in outcome.evidence.gaps:
        yield printable(f"  not seen: {gap.section}: {gap.reason}{f' ({gap.remedy})' if gap.remedy else ''}")


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
