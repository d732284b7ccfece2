"""A plan shown, confirmed, carried out and reported: what ``dump`` and ``restore`` have in common."""

import argparse
import json
import queue
import select
import sys
from collections.abc import Callable

from workbench.cli.exit_status import ExitStatus
from workbench.cli.operation_document import operation_document, plan_document
from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome, Progress, StepState
from workbench.operation.request import Hold
from workbench.operation.runner import Operation
from workbench.present.plan import HOLD_WORDS, plan_lines
from workbench.present.progress import report_lines, step_line
from workbench.present.text import printable

_DONE = {StepState.DONE, StepState.FAILED, StepState.SKIPPED}


def add_common(parser: argparse.ArgumentParser, holds: tuple[Hold, ...]) -> None:
    """Options that both commands have."""
    parser.add_argument(
        "--hold",
        action="append",
        default=[],
        metavar="POINT",
        choices=[hold.value for hold in holds],
        help=f"wait there for an answer, repeatable: {', '.join(hold.value for hold in holds)}",
    )
    parser.add_argument("--plan", action="store_true", help="print the plan and stop")
    parser.add_argument("--yes", action="store_true", help="go on without asking")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def carry_out(plan: Plan, begin: Callable[[Plan], Operation], options: argparse.Namespace) -> int:
    """Show the plan, have it confirmed, do it, report; the exit status says whether it is proved."""
    if options.plan:
        _print_plan(plan, options.format)
        return ExitStatus.USAGE if plan.obstacles else ExitStatus.CLEAN
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    if plan.obstacles:
        _print_plan(plan, options.format)
        return _refuse("it cannot be done: " + plan.obstacles[0])
    if options.hold and not interactive:
        return _refuse("--hold needs a terminal to answer on")
    if not options.yes:
        if not interactive:
            _print_plan(plan, options.format)
            return _refuse("nothing was done: there is no terminal to confirm on; give --yes to go on")
        _say("\n".join(plan_lines(plan)))
        if not _confirmed(plan):
            return _refuse("nothing was done: not confirmed")
    return _run(begin(plan), options.format)


def _confirmed(plan: Plan) -> bool:
    sys.stderr.write(f"\nType {plan.confirmation} to go on, anything else to leave it: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == plan.confirmation


def _run(operation: Operation, form: str) -> int:
    snapshots: queue.Queue[Progress] = queue.Queue()
    operation.start(snapshots.put)
    shown = _Shown()
    interrupted = False
    while True:
        try:
            progress = snapshots.get()
            shown.show(progress)
            if progress.outcome is not None:
                break
            if progress.held is not None and shown.asks(progress):
                _answer(operation, _ask(progress))
        except KeyboardInterrupt:
            interrupted = True
            _say("turning back ...")
            operation.turn_back()
    if form == "json":
        print(json.dumps(operation_document(progress), indent=1))
    else:
        print("\n".join(report_lines(progress)))
    if interrupted and progress.outcome is Outcome.TURNED_BACK:
        return ExitStatus.INTERRUPTED
    return ExitStatus.CLEAN if progress.outcome is Outcome.SUCCEEDED else ExitStatus.FINDINGS


def _ask(progress: Progress) -> str:
    assert progress.held is not None
    sys.stderr.write(f"HELD {HOLD_WORDS[progress.held]}.\nc continue, b turn back: ")
    sys.stderr.flush()
    while True:
        select.select([sys.stdin], [], [])
        line = sys.stdin.readline()
        if not line or line.strip() in {"c", "b"}:
            return line.strip() or "b"
        sys.stderr.write("c continue, b turn back: ")
        sys.stderr.flush()


def _answer(operation: Operation, letter: str) -> None:
    if letter == "c":
        operation.proceed()
    else:
        operation.turn_back()


class _Shown:
    """What a person has seen already."""

    def __init__(self) -> None:
        self._steps: set[str] = set()
        self._locks: frozenset[str] = frozenset()
        self._asked: Hold | None = None

    def show(self, progress: Progress) -> None:
        """Steps that are done now, and locks that came and went."""
        for step in progress.steps:
            if step.state in _DONE and step.name not in self._steps:
                self._steps.add(step.name)
                _say(f"  {step_line(step)}")
        locks = frozenset(f"{lock.backend} {lock.name}" for lock in progress.locks)
        for name in sorted(locks - self._locks)[:5]:
            _say(f"      + lock {printable(name)}")
        for name in sorted(self._locks - locks)[:5]:
            _say(f"      - lock {printable(name)}")
        self._locks = locks

    def asks(self, progress: Progress) -> bool:
        """Whether this hold was not asked about yet."""
        fresh = progress.held is not self._asked
        self._asked = progress.held
        return fresh


def _print_plan(plan: Plan, form: str) -> None:
    if form == "json":
        print(json.dumps(plan_document(plan), indent=1))
    else:
        print("\n".join(plan_lines(plan)))


def _refuse(sentence: str) -> int:
    _say(f"workbench: {printable(sentence)}")
    return ExitStatus.USAGE


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
