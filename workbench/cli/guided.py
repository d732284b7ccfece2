"""A plan shown, confirmed, carried out and reported: what ``dump`` and ``restore`` have in common."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable

from workbench.cli.exit_status import ExitStatus
from workbench.cli.inbox import Inbox, Signalled
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
    _say(f"\nType {plan.confirmation} to go on, anything else to leave it: ", end="")
    return sys.stdin.readline().strip() == plan.confirmation


def _run(operation: Operation, form: str) -> int:
    shown = _Shown()
    asking: Hold | None = None
    interrupted = False
    with Inbox() as inbox:
        operation.start(inbox.put)
        while True:
            item = inbox.next(typed=asking is not None)
            if isinstance(item, Signalled):
                interrupted = True
                _say("turning back ...")
                operation.turn_back()
                continue
            if isinstance(item, str):
                if _answered(operation, item):
                    asking = None
                else:
                    _ask()
                continue
            progress = item
            shown.show(progress)
            if progress.outcome is not None:
                break
            if progress.held is not None and shown.asks(progress.held):
                asking = progress.held
                _say(f"HELD {HOLD_WORDS[progress.held]}.")
                _ask()
            elif progress.held is None and asking is not None:
                asking = None
                _say("")
        operation.wait()  # what it opened is closed then, too
        _print(_report(progress, form))
    if interrupted and progress.outcome is Outcome.TURNED_BACK:
        return ExitStatus.INTERRUPTED
    return ExitStatus.CLEAN if progress.outcome is Outcome.SUCCEEDED else ExitStatus.FINDINGS


def _ask() -> None:
    _say("c continue, b turn back: ", end="")


def _answered(operation: Operation, line: str) -> bool:
    """Do what was typed, False if it means nothing; the end of the input turns back."""
    if line and line.strip() not in {"c", "b"}:
        return False
    if line.strip() == "c":
        operation.proceed()
    else:
        operation.turn_back()
    return True


class _Shown:
    """What a person has seen already."""

    def __init__(self) -> None:
        self._steps: set[str] = set()
        self._locks: frozenset[str] = frozenset()
        self._asked: set[Hold] = set()

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

    def asks(self, hold: Hold) -> bool:
        """Whether this hold was not asked about yet; snapshots made before the answer still show it."""
        fresh = hold not in self._asked
        self._asked.add(hold)
        return fresh


def _report(progress: Progress, form: str) -> str:
    """What became of it; of a failure why, and what to do, where its log tells."""
    from workbench.operation.diagnosis import diagnose

    causes = diagnose(progress).causes
    if form == "json":
        from workbench.cli.formats.json import finding_row

        return json.dumps({**operation_document(progress), "causes": [finding_row(each) for each in causes]}, indent=1)
    from workbench.present.findings import cause_lines
    from workbench.present.line import plain_lines

    return "\n".join([*report_lines(progress), *plain_lines(cause_lines(causes))])


def _print_plan(plan: Plan, form: str) -> None:
    _print(json.dumps(plan_document(plan), indent=1) if form == "json" else "\n".join(plan_lines(plan)))


def _print(text: str) -> None:
    """To standard output; that nobody reads it must not change the exit status."""
    try:
        print(text, flush=True)
    except OSError:  # the reader has gone (`| head`), or the terminal
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(sentence: str) -> int:
    _say(f"workbench: {printable(sentence)}")
    return ExitStatus.USAGE


def _say(text: str, end: str = "\n") -> None:
    """To the person; an operation goes on when the terminal is gone."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}{end}")
        sys.stderr.flush()
