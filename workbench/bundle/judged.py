"""What the checks say of evidence, in the form in which a bundle keeps it."""

from collections.abc import Iterable, Sequence

from workbench.checking import Finding
from workbench.checking.check import Broken, Check
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.evidence import Evidence
from workbench.evidence.recording import RecordedFinding


def library() -> Sequence[Check | Broken]:
    """The checks that come with the workbench; a person's own may say what is private."""
    return tuple(load(entry) for entry in entries() if not entry.own)


def recorded(findings: Iterable[Finding], moment: int = 0) -> tuple[RecordedFinding, ...]:
    """Findings as records."""
    return tuple(
        RecordedFinding(
            moment,
            finding.code,
            finding.name,
            finding.severity.value,
            f"{finding.problem.subject.kind} {finding.problem.subject.title}",
            finding.problem.message,
            finding.explained_by,
        )
        for finding in findings
    )


class LibraryJudge:
    """Asks all checks, loaded once."""

    def __init__(self) -> None:
        self._checks = library()

    def __call__(self, evidence: Evidence) -> tuple[RecordedFinding, ...]:
        return recorded(judge(self._checks, evidence).findings)


def differences(
    then: Sequence[RecordedFinding], now: Sequence[RecordedFinding]
) -> Iterable[tuple[str, RecordedFinding]]:
    """What is found ``now`` and was not ``then``, and the other way round."""
    before, after = {each.identity for each in then}, {each.identity for each in now}
    yield from (("new", each) for each in now if each.identity not in before)
    yield from (("gone", each) for each in then if each.identity not in after)
