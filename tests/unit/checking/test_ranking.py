"""Root cause first, consequences as notes behind it."""

from workbench.checking import Finding, Problem, Quote, Severity, Subject
from workbench.checking.ranking import ranked


def _finding(
    name: str,
    severity: Severity = Severity.ERROR,
    follows: tuple[str, ...] = (),
    *,
    weight: int = 0,
    subject: Subject | None = None,
    quotes: tuple[Quote, ...] = (),
) -> Finding:
    problem = Problem(severity, subject or Subject("log", "a.log"), name, follows=follows, weight=weight, quotes=quotes)
    return Finding(name.upper(), name, problem, severity)


def _said(findings: list[Finding], *sources: str) -> list[tuple[str, str, str | None]]:
    return [(item.name, item.severity.value, item.explained_by) for item in ranked(findings, sources)]


def test_severity_then_weight_then_the_order_of_the_checks() -> None:
    notes = _finding("a", Severity.NOTE), _finding("b"), _finding("c", weight=2), _finding("d")
    assert [item.name for item in ranked(notes)] == ["c", "b", "d", "a"]


def test_a_consequence_becomes_a_note_behind_its_cause() -> None:
    found = [_finding("effect", follows=("cause",), weight=9), _finding("other"), _finding("cause")]
    assert _said(found) == [("other", "error", None), ("cause", "error", None), ("effect", "note", "CAUSE")]


def test_a_chain_of_causes() -> None:
    found = [_finding("c", follows=("b",)), _finding("b", follows=("a",)), _finding("a", Severity.WARNING)]
    assert _said(found) == [("a", "warning", None), ("c", "note", "B"), ("b", "note", "A")]


def test_two_that_explain_each_other_do_not_vanish() -> None:
    found = [_finding("a", follows=("b",)), _finding("b", follows=("a",), weight=1)]
    assert _said(found) == [("b", "error", None), ("a", "note", "B")]


def test_another_subject_explains_nothing() -> None:
    cause = _finding("cause", subject=Subject("socket", "one", {"cookie": 1, "netns": 5}))
    effect = _finding("effect", follows=("cause",), subject=Subject("socket", "two", {"cookie": 2, "netns": 5}))
    assert _said([effect, cause])[1:] == [("cause", "error", None)]


def test_a_key_in_common_is_kinship() -> None:
    cause = _finding("cause", subject=Subject("lock", "a lock", {"connection": "x"}))
    effect = _finding("effect", follows=("cause",), subject=Subject("socket", "x", {"connection": "x", "cookie": 2}))
    assert _said([effect, cause]) == [("cause", "error", None), ("effect", "note", "CAUSE")]


def test_one_file_is_kinship_and_one_section_of_the_host_is_not() -> None:
    cause = _finding("cause", subject=Subject("x", "1"), quotes=(Quote("a.log", "text", 1),))
    effect = _finding("effect", follows=("cause",), subject=Subject("x", "2"), quotes=(Quote("a.log", "text", 9),))
    assert _said([effect, cause], "a.log")[1] == ("effect", "note", "CAUSE")
    assert _said([effect, cause], "live")[1] == ("cause", "error", None)


def test_one_failure_has_one_cause() -> None:
    def about(name: str, weight: int) -> Finding:
        problem = Problem(Severity.ERROR, Subject("log", name), name, weight=weight, failure="dump.log")
        return Finding(name.upper(), name, problem, Severity.ERROR)

    found = [about("late", 1), about("root", 3), _finding("elsewhere"), about("next", 2)]
    assert _said(found) == [
        ("root", "error", None),
        ("next", "note", "ROOT"),
        ("late", "note", "ROOT"),
        ("elsewhere", "error", None),
    ]
