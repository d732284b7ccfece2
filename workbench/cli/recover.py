"""``workbench recover``: what interrupted operations left on the host, put right."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.cli.exit_status import ExitStatus
from workbench.cli.operation_document import operation_document
from workbench.errors import WorkbenchError
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.operation.recover import Report

EXAMPLES = """\
examples:
  workbench recover --plan                 what is left behind, and what would be done; nothing is
  workbench recover                        the same, done once you have typed yes
  workbench recover --yes --format json    without a question, for scripts

exit status: 0 nothing is left to do; 1 a connection is lost, or a person must choose; 2 not confirmed
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "recover",
        help="put right what an interrupted operation left behind",
        description="Say what operations whose workbench or CRIU was killed have left on this host, and put it right:"
        " processes run on or are restored, locks are lifted; what cannot be saved is named with the reason.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--yes", action="store_true", help="go on without asking")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=recover_all)


def recover_all(options: argparse.Namespace) -> int:
    """Look first, then do it."""
    if os.geteuid() != 0:
        raise WorkbenchError("Only root may see what operations left behind, and put it right", "run it as root")
    from workbench.collect.events.instance import remove_abandoned
    from workbench.operation.recover import recover

    # Idle trace instances hold nothing and belong to nobody: their removal needs no confirmation.
    for name in remove_abandoned(dry_run=options.plan):
        done = "would be removed" if options.plan else "removed"
        sys.stderr.write(f"workbench: trace instance {name} of a workbench that is gone: {done}\n")
    if options.plan or not options.yes:
        looked = recover(dry_run=True)
        if options.plan or not looked:
            return report(looked, options.format, rehearsal=True)
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            report(looked, options.format, rehearsal=True)
            sys.stderr.write("workbench: nothing was done: there is no terminal to confirm on; give --yes to go on\n")
            return ExitStatus.USAGE
        sys.stderr.write("\n".join(_lines(looked, rehearsal=True)) + "\n\nType yes to do this: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip() != "yes":
            sys.stderr.write("workbench: nothing was done: not confirmed\n")
            return ExitStatus.USAGE
    return report(recover(), options.format, rehearsal=False)


def report(reports: "Sequence[Report]", form: str, *, rehearsal: bool) -> int:
    """Print what was found and done; the exit status says whether nothing is left to do."""
    if form == "json":
        print(
            json.dumps(
                {"schema": 1, "done": not rehearsal, "operations": [_document(each) for each in reports]}, indent=1
            )
        )
    else:
        print("\n".join(_lines(reports, rehearsal=rehearsal)))
    good = all(each.sound and not each.lost for each in reports)
    return ExitStatus.CLEAN if good else ExitStatus.FINDINGS


def _lines(reports: "Sequence[Report]", *, rehearsal: bool) -> list[str]:
    if not reports:
        return ["No operation was interrupted: nothing to put right."]
    lines = []
    for report in reports:
        of = report.operation
        images = f", images {printable(of.images)}" if of.images else ""
        lines.append(printable(of.title[:1].upper() + of.title[1:]) + images)
        lines.append(f"  interrupted at: {printable(of.last)}" + (" (nothing is done yet)" if rehearsal else ""))
        lines += [f"  - {printable(sentence)}" for sentence in report.sentences]
        if not report.sound:
            lines.append("  ! a person must choose")
    return lines


def _document(report: "Report") -> dict[str, object]:
    of = report.operation
    return {
        "id": of.id,
        "kind": of.kind,
        "pid": of.pid,
        "images": printable(of.images),
        "interrupted_at": printable(of.last),
        "sentences": [printable(sentence) for sentence in report.sentences],
        "sound": report.sound,
        "lost": [{"connection": str(each), "reason": printable(reason)} for each, reason in report.lost.items()],
        "restored": operation_document(report.restored) if report.restored else None,
    }
