"""``workbench locks --remove``: leftover locks taken away, with the plan shown first."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from workbench.cli.document import evidence_header
from workbench.cli.exit_status import ExitStatus
from workbench.cli.locks import lock_row, look
from workbench.cli.scope import parse_connection
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap
from workbench.evidence.lock_map import LockUse, map_locks
from workbench.present.removal import removal_lines, removed_lines
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.operation.removal import Kept, RemovalPlan, Removed


def remove_locks(options: argparse.Namespace, evidence: Evidence) -> int:
    """Show the plan, have it confirmed, do it, and say what remains."""
    from workbench.operation.remove_locks import plan_removal, remove

    if isinstance(evidence.locks, Gap):
        raise WorkbenchError(f"locks cannot be seen: {evidence.locks.reason}", evidence.locks.remedy)
    meant = _meant(options.remove, evidence) if options.remove else None
    plan = plan_removal(evidence, only=meant, even_if_needed=options.even_if_needed)
    if options.plan or not plan.removals:
        _print(options, evidence, plan)
        return ExitStatus.CLEAN if options.plan else _status(plan, plan.kept, plan.kept)
    if not options.yes and not _confirmed(options, evidence, plan):
        return ExitStatus.USAGE
    if options.yes and options.format == "text":
        _say("\n".join(removal_lines(plan)) + "\n")
    done = remove(plan)
    after = look(options)
    remaining = plan_removal(after)
    left = (*remaining.kept, *_still(remaining))
    _print(options, after, plan, done, left)
    named = tuple(each for each in left if meant and meant(each.use))
    return ExitStatus.FINDINGS if done.failed else _status(plan, left, named)


def _meant(words: Sequence[str], evidence: Evidence) -> Callable[[LockUse], bool]:
    """Whether a lock is one of those that the command line names; WorkbenchError if a word names none."""
    uses = map_locks(evidence)
    tests = [_test(word) for word in words]
    for word, test in zip(words, tests, strict=True):
        if not any(map(test, uses)):
            raise WorkbenchError(f"there is no lock {word}", "`workbench locks` lists them")
    return lambda use: any(test(use) for test in tests)


def _test(word: str) -> Callable[[LockUse], bool]:
    if word.startswith("CRIU"):
        return lambda use: use.lock.name == word
    try:
        connection = parse_connection(word.replace(" -> ", "-")).unmapped
    except WorkbenchError:  # then it is no lock's name either
        return lambda use: False
    views = {connection, connection.reversed}
    return lambda use: bool(views & set(use.lock.connections))


def _confirmed(options: argparse.Namespace, evidence: Evidence, plan: "RemovalPlan") -> bool:
    from workbench.operation.removal import CONFIRMATION

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        _print(options, evidence, plan)
        _say("workbench: nothing was done: there is no terminal to confirm on; give --yes to go on")
        return False
    _say("\n".join(removal_lines(plan)))
    sys.stderr.write(f"\nType {CONFIRMATION} to go on, anything else to leave it: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() == CONFIRMATION:
        return True
    _say("workbench: nothing was done: not confirmed")
    return False


def _still(remaining: "RemovalPlan") -> "tuple[Kept, ...]":
    """Locks that could go as well, and were not among those that were meant."""
    from workbench.operation.removal import Kept

    return tuple(Kept(each.use, f"{each.use.sentence}; not asked to remove it") for each in remaining.removals)


def _status(plan: "RemovalPlan", left: "Sequence[Kept]", named: "Sequence[Kept]") -> int:
    if plan.gaps:
        return ExitStatus.USAGE
    stays = named if plan.named else [each for each in left if not each.in_use]
    return ExitStatus.FINDINGS if stays else ExitStatus.CLEAN


def _print(
    options: argparse.Namespace,
    evidence: Evidence,
    plan: "RemovalPlan",
    done: "Removed | None" = None,
    left: "Sequence[Kept]" = (),
) -> None:
    if options.format == "text":
        lines = removal_lines(plan) if done is None else removed_lines(done, left, unseen=bool(plan.gaps))
        print("\n".join(lines))
        return
    document = {"schema": 1, "done": done is not None, "evidence": evidence_header(evidence)}
    document["remove"] = [
        {**lock_row(each.use, evidence), "loses": printable(each.loses), "repair_off": len(each.stuck)}
        for each in plan.removals
    ]
    document["keep"] = _kept_rows(plan.kept, evidence)
    document["commands"] = ["\n".join(map(printable, command.splitlines())) for command in plan.commands]
    if done is not None:
        document["removed"] = [printable(lock.name) for lock in done.lifted]
        document["failed"] = [{"name": printable(lock.name), "reason": printable(why)} for lock, why in done.failed]
        document["remaining"] = _kept_rows(left, evidence)
    print(json.dumps(document, indent=1 if options.format == "json" else None))


def _kept_rows(kept: "Sequence[Kept]", evidence: Evidence) -> list[dict[str, object]]:
    return [{**lock_row(each.use, evidence), "reason": printable(each.reason), "in_use": each.in_use} for each in kept]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
