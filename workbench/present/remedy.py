"""What can be done here about the subject of a row: locks that stand in its way, and operations to be put right."""

from collections.abc import Iterator

from workbench.evidence import Lock, Process, Rule, Socket
from workbench.evidence.lock_map import LockStatus, LockUse
from workbench.present.findings import Found
from workbench.present.situation import Situation

_IN_USE = frozenset({LockStatus.HELD, LockStatus.NEEDED})


def locks_of(subject: object, situation: Situation) -> tuple[Lock, ...]:
    """Locks that hold the subject back, or that it is or belongs to; also those that had better stay."""
    return tuple(use.lock for use in _uses(subject, situation))


def hint_of(subject: object, situation: Situation) -> str:
    """Which key helps: ``x removes it``; empty where nothing here does."""
    if recovers(subject):
        return "x puts it right"
    leftover = any(use.status not in _IN_USE for use in _uses(subject, situation))
    return "x removes it" if leftover else ""


def recovers(subject: object) -> bool:
    """Whether it is the finding of an interrupted operation."""
    return isinstance(subject, Found) and subject.finding.problem.subject.kind == "operation"


def _uses(subject: object, situation: Situation) -> Iterator[LockUse]:
    if not situation.lock_uses:
        return
    match subject:
        case LockUse():
            yield subject
        case Rule():
            yield from (use for use in situation.lock_uses if any(rule is subject for rule in use.lock.rules))
        case Socket():
            use = situation.lock_of(subject)
            if use:
                yield use
        case Process():
            found = map(situation.lock_of, situation.sockets_by_pid.get(subject.pid, ()))
            yield from {id(use): use for use in found if use}.values()
        case Found() if subject.finding.problem.subject.kind == "lock":
            codes = {id(finding) for finding in subject.all}
            for use in situation.lock_uses:
                if any(id(finding) in codes for finding in situation.judgement.concerning(use)):
                    yield use
