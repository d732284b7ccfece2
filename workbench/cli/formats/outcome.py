"""What every format shows: the evidence, the findings that are to be seen, and what each check said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.checking import RANK, Finding, Severity
from workbench.checking.check import Broken, Check, Skipped
from workbench.checking.running import Report
from workbench.evidence import Evidence, Gap
from workbench.present.text import printable

if TYPE_CHECKING:  # it takes long to load, and most sources are no target of a dump
    from workbench.checking.survival.summary import Summary


@dataclass(frozen=True, slots=True)
class Style:
    """How text is shown to a person."""

    colour: bool = False
    width: int = 0
    """Columns; 0 = lines are not broken."""
    quiet: bool = False
    """Findings only."""
    verbose: bool = False
    """With evidence, and what passed or was skipped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one run of the checks, after scope and selection."""

    evidence: Evidence
    findings: tuple[Finding, ...]
    """Root cause first; those that are shown."""
    hidden: int
    """Findings below ``--min-severity``."""
    passed: tuple[Check, ...]
    failed: tuple[Check, ...]
    skipped: tuple[Skipped, ...]
    broken: tuple[Broken, ...]
    preflight: "Summary | None" = None
    """What a dump would meet, if one is judged."""

    def count(self, severity: Severity) -> int:
        """Shown findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)


def outcome_of(evidence: Evidence, report: Report, findings: tuple[Finding, ...], least: Severity) -> Outcome:
    """``findings`` are those of the report that lie in the scope; checks without one of them count as passed."""
    shown = tuple(finding for finding in findings if RANK[finding.severity] <= RANK[least])
    codes = {finding.code for finding in findings}
    silent = {type(item) for item in (*report.skipped, *report.broken)}
    judged = [item.check for item in report.results if type(item) not in silent]
    return Outcome(
        evidence=evidence,
        findings=shown,
        hidden=len(findings) - len(shown),
        passed=tuple(check for check in judged if check.code not in codes),
        failed=tuple(check for check in judged if check.code in codes),
        skipped=report.skipped,
        broken=report.broken,
        preflight=_preflight(evidence),
    )


def plain(value: object) -> object:
    """A fact as JSON can hold it, every text printable."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {printable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return printable(str(value))


def _preflight(evidence: Evidence) -> "Summary | None":
    """What a dump of the target would do; None where nothing is to be dumped, or its processes cannot be seen."""
    if isinstance(evidence.target, Gap):
        return None
    from workbench.checking.survival.summary import summarize

    summary = summarize(evidence)
    return None if isinstance(summary, Gap) else summary
