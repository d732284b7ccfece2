"""Root cause first: what merely followed from another finding becomes a note that names it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from workbench.checking.finding import RANK, Finding, Severity, Subject

PLACE_KEYS = frozenset({"netns", "host", "family", "backend"})
"""Keys of a subject that say where it is and not what it is: sharing one makes two findings no kin."""


def ranked(findings: Iterable[Finding], sources: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Every finding, the worst root cause first, each directly followed by what it explains.

    A finding is explained by another whose name is among its ``follows`` and that is about the same subject, or
    stands in the same file (``sources`` names the files); or by the first that names the same ``failure``. Among
    equals the order of the checks stays.
    """
    order = sorted(findings, key=lambda item: (RANK[item.problem.severity], -item.problem.weight))
    files = frozenset(sources) - {"live"}
    named: dict[str, list[int]] = {}
    for index, finding in enumerate(order):
        named.setdefault(finding.name, []).append(index)
    cause: dict[int, int] = {}
    for index, finding in reversed(list(enumerate(order))):  # of two that explain each other the heavier stays
        for other in sorted(item for name in finding.problem.follows for item in named.get(name, ())):
            if _root(other, cause) != index and _kin(finding, order[other], files):
                cause[index] = other
                break
    _one_cause_each(order, cause)
    consequences: dict[int, list[int]] = {}
    for index in sorted(cause):
        consequences.setdefault(_root(index, cause), []).append(index)
    result: list[Finding] = []
    for index, finding in enumerate(order):
        if index not in cause:
            result.append(finding)
            result.extend(_explained(order[item], order[cause[item]]) for item in consequences.get(index, ()))
    return tuple(result)


def _one_cause_each(order: Sequence[Finding], cause: dict[int, int]) -> None:
    """Let the first of those that name one failure explain the rest."""
    firsts: dict[str, int] = {}
    for index, finding in enumerate(order):
        if finding.problem.failure:
            first = firsts.setdefault(finding.problem.failure, index)
            if first != index and index not in cause and _root(first, cause) != index:
                cause[index] = first


def _root(index: int, cause: Mapping[int, int]) -> int:
    while index in cause:
        index = cause[index]
    return index


def _explained(finding: Finding, by: Finding) -> Finding:
    return replace(finding, severity=Severity.NOTE, explained_by=by.code)


def _kin(one: Finding, other: Finding, files: frozenset[str]) -> bool:
    """Whether two findings are about one thing: the same subject, a key in common, or one file."""
    mine, theirs = one.problem.subject, other.problem.subject
    if (mine.kind, mine.title) == (theirs.kind, theirs.title):
        return True
    if any(_values(mine, key) & _values(theirs, key) for key in _kinds(mine) & _kinds(theirs)):
        return True
    return bool(_files(one, files) & _files(other, files))


def _kinds(subject: Subject) -> frozenset[str]:
    """What its keys tell of: ``pid`` and ``pids`` are one kind."""
    return frozenset(key.removesuffix("s") for key in subject.keys.keys() - PLACE_KEYS)


def _values(subject: Subject, kind: str) -> frozenset[object]:
    one, many = subject.keys.get(kind), subject.keys.get(f"{kind}s")
    values = (one, *(many if isinstance(many, list | tuple | frozenset) else (many,)))
    return frozenset(str(value) for value in values if value is not None)


def _files(finding: Finding, files: frozenset[str]) -> frozenset[str]:
    return files & {quote.source for quote in finding.problem.quotes}
