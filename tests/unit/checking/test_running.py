"""Binding sections to parameters, and the four answers of a check."""

from collections.abc import Callable, Iterable

from workbench.checking import Problem, Severity, Subject
from workbench.checking.check import Broken, Check, Failed, Passed, Skipped
from workbench.checking.derived import Sections
from workbench.checking.running import judge, run
from workbench.evidence import Evidence, Gap, LogLine

PROBLEM = Problem(Severity.WARNING, Subject("host", "here"), "Something may go wrong.")


def _check(
    judge: Callable[..., Iterable[Problem]], needs: tuple[str, ...] = (), accepts: tuple[str, ...] = ()
) -> Check:
    return Check("ENV999", "made-up", "0.1", "T.", "T.", needs, accepts, judge, "made-up.py")


def _evidence(**sections: object) -> Evidence:
    return Evidence(taken=0.0, monotonic_ns=0, sources=("here",), **sections)  # type: ignore[arg-type]


def test_sections_are_bound_by_name() -> None:
    seen: list[object] = []

    def check(rules: object, locks: object) -> Iterable[Problem]:
        seen.extend((rules, locks))
        return ()

    gap = Gap("locks", "not root")
    assert isinstance(run(_check(check, ("rules",), ("locks",)), Sections(_evidence(rules=(), locks=gap))), Passed)
    assert seen == [(), gap]


def test_a_gap_skips_with_its_reason_and_remedy() -> None:
    result = run(
        _check(lambda rules: (), ("rules",)), Sections(_evidence(rules=Gap("rules", "not permitted", "run as root")))
    )
    assert isinstance(result, Skipped)
    assert (result.reason, result.asked) == ("rules: not permitted (run as root)", True)


def test_what_is_not_part_of_the_evidence_was_not_asked_for() -> None:
    result = run(_check(lambda rules: (), ("rules",)), Sections(_evidence()))
    assert isinstance(result, Skipped)
    assert not result.asked


def test_a_crash_breaks_one_check_and_ends_nothing_else() -> None:
    def crash() -> Iterable[Problem]:
        yield PROBLEM
        raise KeyError(5)

    report = judge([_check(crash), _check(lambda: (PROBLEM,))], _evidence())
    assert [type(result) for result in report.results] == [Broken, Failed]
    assert "KeyError: 5" in report.broken[0].error
    assert [finding.problem for finding in report.findings] == [PROBLEM]


def test_exit_in_a_check_breaks_it() -> None:
    def leave() -> Iterable[Problem]:
        raise SystemExit(0)

    assert isinstance(run(_check(leave), Sections(_evidence())), Broken)


def test_only_problems_may_be_yielded() -> None:
    result = run(_check(lambda: ("text",)), Sections(_evidence()))  # type: ignore[arg-type,return-value]
    assert isinstance(result, Broken)
    assert "str instead of Problem" in result.error


def test_a_check_of_logs_is_asked_once_for_each_log() -> None:
    lines = tuple(LogLine(number, "text", file=file) for file in ("a", "b") for number in (1, 2))
    seen: list[list[str]] = []

    def check(log: tuple[LogLine, ...]) -> Iterable[Problem]:
        seen.append([line.file for line in log])
        return (PROBLEM,)

    result = run(_check(check, ("log",)), Sections(_evidence(log=lines)))
    assert seen == [["a", "a"], ["b", "b"]]
    assert isinstance(result, Failed)
    assert len(result.findings) == 2
