"""Running checks over evidence: what is missing skips a check, what crashes breaks it, and nothing else ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from workbench.checking.check import Broken, Check, Failed, Passed, Result, Skipped
from workbench.checking.finding import Finding, Problem
from workbench.checking.loading import describe
from workbench.checking.ranking import ranked
from workbench.evidence import Evidence, Gap, not_collected


@dataclass(frozen=True, slots=True)
class Report:
    """What all checks said."""

    results: tuple[Result, ...]
    """In the order in which they were asked; findings are as the check gave them."""
    findings: tuple[Finding, ...]
    """Of all checks, root cause first."""

    def broken(self) -> Iterator[Broken]:
        """Checks that could not give an answer."""
        return (item for item in self.results if isinstance(item, Broken))

    def skipped(self) -> Iterator[Skipped]:
        """Checks that could not look."""
        return (item for item in self.results if isinstance(item, Skipped))

    def passed(self) -> Iterator[Passed]:
        """Checks that looked and found nothing."""
        return (item for item in self.results if isinstance(item, Passed))


def judge(checks: Iterable[Check | Broken], evidence: Evidence) -> Report:
    """Ask every check; a file that could not be loaded stays Broken in the report."""
    results = tuple(item if isinstance(item, Broken) else run(item, evidence) for item in checks)
    found = [finding for item in results if isinstance(item, Failed) for finding in item.findings]
    return Report(results, ranked(found, evidence.sources))


def run(check: Check, evidence: Evidence) -> Result:
    """Ask one check, once for each log if it looks at logs."""
    missing = [value for name in check.needs if isinstance(value := getattr(evidence, name), Gap)]
    if missing:
        not_asked = [gap for gap in missing if gap.reason == not_collected(gap.section).reason]
        first = next(iter(not_asked), missing[0])
        return Skipped(check, _reason(first), asked=not not_asked)
    problems: list[Problem] = []
    strangers: list[object] = []
    try:
        for arguments in _arguments(check, evidence):
            _sorted_out(check.judge(**arguments), problems, strangers)
    except (Exception, SystemExit) as error:
        return Broken(check, describe(error))
    if strangers:
        return Broken(check, f"it yielded {type(strangers[0]).__name__} instead of Problem")
    if not problems:
        return Passed(check)
    return Failed(check, tuple(Finding(check.code, check.name, item, item.severity) for item in problems))


def _sorted_out(said: Iterable[object], problems: list[Problem], strangers: list[object]) -> None:
    for item in said:
        if isinstance(item, Problem):
            problems.append(item)
        else:
            strangers.append(item)


def _arguments(check: Check, evidence: Evidence) -> Iterator[dict[str, object]]:
    """What the check is called with: sections by name; of several logs one after the other."""
    arguments = {name: getattr(evidence, name) for name in (*check.needs, *check.accepts)}
    log = arguments.get("log", ())
    if "log" in check.needs and isinstance(log, tuple) and log:
        for _, lines in groupby(log, attrgetter("file")):
            yield {**arguments, "log": tuple(lines)}
    else:
        yield arguments


def _reason(gap: Gap) -> str:
    return f"{gap.section}: {gap.reason}" + (f" ({gap.remedy})" if gap.remedy else "")
