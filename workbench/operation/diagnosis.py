"""Why an operation failed: its log, judged by the checks that judge logs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.checking import Finding, Severity
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence
from workbench.operation.progress import Outcome, Progress

FAMILY = "LOG"
KNOWN = "run-cut-short"
"""That CRIU died, its operation has seen itself, and has already looked for what was left."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the log of a failed operation tells."""

    findings: tuple[Finding, ...] = ()
    """Root cause first."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """Pages of the checks that found something, by code."""

    @property
    def causes(self) -> tuple[Finding, ...]:
        """Those that are no consequence of another, and no mere note."""
        return tuple(each for each in self.findings if each.explained_by is None and each.severity is not Severity.NOTE)


def diagnose(progress: Progress) -> Diagnosis:
    """Judge CRIU's log of this operation; nothing for one that did not fail, or of which CRIU wrote no log."""
    if progress.outcome is not Outcome.FAILED or not progress.log:
        return Diagnosis()
    from workbench.checking.check import Check
    from workbench.checking.loading import entries, load
    from workbench.checking.running import judge
    from workbench.checking.selection import choose
    from workbench.read.log_digest import read_digest

    path = str(Path(progress.images or progress.plan.request.images) / f"{progress.plan.kind}.log")
    try:
        digest = read_digest(path)
    except WorkbenchError:  # removed since, or of somebody else's directory: the report has the errors without it
        return Diagnosis()
    evidence = Evidence(time.time(), 0, (path,), log=digest.lines, logs=(digest,))
    checks = [load(entry) for entry in choose(entries(), (FAMILY,), (KNOWN,))]
    findings = judge(checks, evidence).findings
    codes = {finding.code for finding in findings}
    pages = {check.code: check.page for check in checks if isinstance(check, Check) and check.code in codes}
    return Diagnosis(findings, pages)
