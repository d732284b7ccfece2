"""Running checks over evidence: what is missing skips a check, what crashes breaks it, and nothing else ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from workbench.checking.check import Broken, Check, Failed, Passed, Result, Skipped
from workbench.checking.derived import Sections
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

    @property
    def broken(self) -> tuple[Broken, ...]:
        """Checks that could not give an answer."""
        return tuple(item for item in self.results if isinstance(item, Broken))

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Checks that could not look."""
        return tuple(item for item in self.results if isinstance(item, Skipped))

    @property
    def passed(self) -> tuple[Passed, ...]:
        """Checks that looked and found nothing."""
        return tuple(item for item in self.results if isinstance(item, Passed))


def judge(checks: Iterable[Check | Broken], evidence: Evidence) -> Report:
    """Ask every check; a file that could not be loaded stays Broken in the report."""
    sections = Sections(evidence)
    results = tuple(item if isinstance(item, Broken) else run(item, sections) for item in checks)
    found = [finding for item in results if isinstance(item, Failed) for finding in item.findings]
    return Report(results, ranked(found, evidence.sources))


def run(check: Check, sections: Sections) -> Result:
    """Ask one check, once for each log if it looks at logs."""
    problems: list[Problem] = []
    try:
        missing = [value for name in check.needs if isinstance(value := sections[name], Gap)]
        if missing:
            return _skipped(check, missing)
        for arguments in _arguments(check, sections):
            for item in check.judge(**arguments):
                if not isinstance(item, Problem):
                    return Broken(check, f"it yielded {type(item).__name__} instead of Problem")
                problems.append(item)
    except (Exception, SystemExit) as error:
        return Broken(check, describe(error))
    if not problems:
        return Passed(check)
    return Failed(check, tuple(Finding(check.code, check.name, item, item.severity) for item in problems))


def _skipped(check: Check, missing: list[Gap]) -> Skipped:
    not_asked = [gap for gap in missing if gap.reason == not_collected(gap.section).reason]
    gap = (not_asked or missing)[0]
    remedy = f" ({gap.remedy})" if gap.remedy else ""
    return Skipped(check, f"{gap.section}: {gap.reason}{remedy}", asked=not not_asked)


def _arguments(check: Check, sections: Sections) -> Iterator[dict[str, object]]:
    """What the check is called with: sections by name; of several logs one after the other."""
    arguments = {name: sections[name] for name in (*check.needs, *check.accepts)}
    log = arguments.get("log", ())
    if "log" in check.needs and isinstance(log, tuple) and log:
        for _, lines in groupby(log, attrgetter("file")):
            yield {**arguments, "log": tuple(lines)}
    else:
        yield arguments
