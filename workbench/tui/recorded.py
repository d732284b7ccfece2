"""A recording in the application: where it stands, and what the checks say otherwise than they did then."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from workbench.checking.finding import Finding, Problem, Severity, Subject
from workbench.evidence import Evidence
from workbench.evidence.recording import RecordedFinding
from workbench.present.judgement import Judgement
from workbench.present.text import printable
from workbench.source import Recording
from workbench.tui.judge import OpenJudge, library


def place_words(recording: Recording, evidence: Evidence) -> tuple[str, ...]:
    """``recorded``, ``2 of 5: before``, ``redacted``, the time, by which workbench; hostile."""
    moment = recording.moments[recording.at]
    count = len(recording.moments)
    return (
        "recorded",
        *([f"{recording.at + 1} of {count}: {moment.title}"] if count > 1 else []),
        *(["redacted"] if evidence.redacted else []),
        datetime.fromtimestamp(moment.taken, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        f"by workbench {recording.tool}",
    )


def fitting(words: Sequence[str], width: int) -> str:
    """As many of the words as there is room for, the first in any case; printable."""
    shown = printable(words[0])
    for word in words[1:]:
        if len(shown) + 2 + len(printable(word)) > width:
            break
        shown += f"  {printable(word)}"
    return shown


def compared(recording: Recording, open_judge: OpenJudge = library) -> OpenJudge:
    """The judge of a recording: what was found then and is not now is a note, what is new says so."""

    def opened() -> Callable[[Evidence], Judgement]:
        ask = open_judge()
        then = recording.findings()

        def judge(evidence: Evidence) -> Judgement:
            judgement = ask(evidence)
            here = [each for each in then if _is_of(recording, each, evidence)]
            return replace(judgement, findings=tuple(_with_differences(judgement.findings, here)))

        return judge

    return opened


def _is_of(recording: Recording, finding: RecordedFinding, evidence: Evidence) -> bool:
    if not 0 <= finding.moment < len(recording.moments):
        return False
    moment = recording.moments[finding.moment]
    return (moment.taken, moment.monotonic_ns) == (evidence.taken, evidence.monotonic_ns)


def _with_differences(now: Sequence[Finding], then: Sequence[RecordedFinding]) -> Iterable[Finding]:
    from workbench.bundle.judged import differences, recorded

    found = recorded(now)
    differing = tuple(differences(then, found))
    new = {each.identity for word, each in differing if word == "new"}
    for finding, each in zip(now, found, strict=True):
        if each.identity in new:
            facts = {**finding.problem.facts, "when this was recorded": "not found, by the checks of then"}
            finding = replace(finding, problem=replace(finding.problem, facts=facts))
        yield finding
    yield from (_gone(each) for word, each in differing if word == "gone")


def _gone(each: RecordedFinding) -> Finding:
    message = f"Found when this was recorded ({each.severity}), and not by the checks of today: {each.message}"
    problem = Problem(Severity.NOTE, Subject("recorded", each.subject), message)
    return Finding(each.code, each.name, problem, Severity.NOTE)
