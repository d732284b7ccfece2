"""``workbench lab``: situations on real connections, made in network namespaces that end with them."""

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.cli.exit_status import ExitStatus
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.lab.lab import Lab
    from workbench.lab.run import Run
    from workbench.operation.progress import Progress

LOCKS = ("nftables", "iptables", "skip")
EXAMPLES = """\
examples:
  workbench lab list                               what there is
  workbench lab run established                    a dump and a restore of a connection, with proof, as a report
  workbench lab run many-connections --lock iptables
  workbench lab up established                     keep the connection up, to try things on from another terminal

exit status of run: 0 what the scenario promises came true; 1 it did not; 2 it could not be set up
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its actions."""
    parser = subparsers.add_parser(
        "lab",
        help="situations on real connections, performed in namespaces made for them",
        description="Make a situation on real connections, dump and restore it, prove what became of it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(func=list_scenarios, format="text")
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    listing = actions.add_parser("list", help="every scenario with its title (this is what `lab` alone does)")
    listing.set_defaults(func=list_scenarios)
    show = actions.add_parser("show", help="what a scenario is made of and what it shows")
    show.set_defaults(func=show_scenario)
    run = actions.add_parser("run", help="a scenario from beginning to end, with a report")
    run.set_defaults(func=run_scenario)
    up = actions.add_parser("up", help="start a scenario and keep it until interrupted")
    up.set_defaults(func=keep_up)
    clean = actions.add_parser("clean", help="end what labs left behind whose runner is gone")
    clean.set_defaults(func=clean_up)
    for action in (show, run, up):
        action.add_argument("name", metavar="NAME")
    for action in (listing, show, run):
        action.add_argument("--format", choices=("text", "json"), default="text")
    run.add_argument("--lock", choices=LOCKS, help="instead of the scenario's own lock method")
    run.add_argument(
        "--leave-running", action="store_true", help="the dump lets the program run on; nothing is restored"
    )
    run.add_argument(
        "--width", type=int, metavar="N", help="tables no wider than N cells; default: the terminal's width"
    )
    run.add_argument("--keep-running", action="store_true", help="keep everything up after the report, until Ctrl-C")


def list_scenarios(options: argparse.Namespace) -> int:
    """Every scenario, one line each."""
    from workbench.lab.scenario import load, names

    titles = {name: load(name).title for name in names()}
    if options.format == "json":
        rows = [{"name": name, "title": printable(title)} for name, title in titles.items()]
        print(json.dumps({"schema": 1, "scenarios": rows}, indent=1))
        return ExitStatus.CLEAN
    width = max(map(len, titles), default=0)
    for name, title in titles.items():
        print(printable(f"{name:{width}}  {title}"))
    return ExitStatus.CLEAN


def show_scenario(options: argparse.Namespace) -> int:
    """One scenario in full."""
    from workbench.lab.describe import as_table, describe
    from workbench.lab.scenario import load

    scenario = load(options.name)
    if options.format == "json":
        print(json.dumps({"schema": 1, **as_table(scenario)}, indent=1))
    else:
        _print(describe(scenario))
    return ExitStatus.CLEAN


def run_scenario(options: argparse.Namespace) -> int:
    """Run it and report; 0 if all that it promises came true."""
    from workbench.lab.scenario import load

    scenario = load(options.name)
    _end_tidily()
    from workbench.lab.report import document, report_lines
    from workbench.lab.run import Hooks, run
    from workbench.operation.request import LockMethod

    width = options.width or (shutil.get_terminal_size().columns if sys.stdout.isatty() else None)

    def report(ran: "Run") -> None:
        if options.format == "json":
            print(json.dumps(document(ran), indent=1), flush=True)
        else:
            _print(report_lines(ran, width))

    def keep(lab: "Lab", ran: "Run") -> None:
        report(ran)
        _wait(lab)

    hooks = Hooks()
    if options.keep_running:
        hooks = replace(hooks, at_the_end=keep)
    if options.format == "text":
        print(printable(f"{scenario.name}: {scenario.title}"), flush=True)
        hooks = replace(hooks, progress=_Stages().show)
    ran = run(
        scenario,
        lock=LockMethod(options.lock) if options.lock else None,
        leave_running=options.leave_running,
        hooks=hooks,
    )
    if not options.keep_running:
        report(ran)
    return ExitStatus.CLEAN if ran.passed else ExitStatus.FINDINGS


def keep_up(options: argparse.Namespace) -> int:
    """Start a scenario and wait for Ctrl-C."""
    from workbench.lab.application import within_reach
    from workbench.lab.lab import Lab
    from workbench.lab.scenario import load

    scenario = within_reach(load(options.name))
    _end_tidily()
    with Lab(scenario) as lab:
        _wait(lab)
    left = lab.close()
    _print(f"left behind: {one}" for one in left)
    return ExitStatus.FINDINGS if left else ExitStatus.CLEAN


def clean_up(_options: argparse.Namespace) -> int:
    """End what is left of labs that nobody runs any more."""
    from workbench.lab import marker

    found = marker.clean()
    _print([f"ended: {one}" for one in found] or ["nothing was left behind"])
    return ExitStatus.CLEAN


class _Stages:
    """Shows each step of an operation on stderr once it is done: a report is read afterwards, this meanwhile."""

    def __init__(self) -> None:
        self._shown: set[tuple[str, str]] = set()

    def show(self, progress: "Progress") -> None:
        from workbench.operation.progress import StepState
        from workbench.present.progress import step_line

        for step in progress.steps:
            key = (progress.plan.kind, step.name)
            if step.state in {StepState.DONE, StepState.FAILED} and key not in self._shown:
                self._shown.add(key)
                sys.stderr.write(f"{progress.plan.kind:8} {step_line(step)}\n")


def _wait(lab: "Lab") -> None:
    """Tell how to get at it, then wait until interrupted."""
    from workbench.lab.describe import where

    try:
        _print(where(lab))
        while True:
            signal.pause()
    except KeyboardInterrupt:
        sys.stderr.write("\n")


def _end_tidily() -> None:
    """SIGTERM and a closed terminal do what Ctrl-C does, also where a shell has made us ignore SIGINT (``&``)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _print(lines: Iterable[str] | Iterator[str]) -> None:
    for line in lines:
        print(printable(line))
    sys.stdout.flush()
