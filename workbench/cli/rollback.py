"""``workbench rollback``: checkpoints in memory of a process that runs on, and the way back to one of them."""

import argparse
import json
from typing import TYPE_CHECKING

from workbench.cli.exit_status import ExitStatus
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.operation.rollback.generation import Generation

EXAMPLES = """\
examples:
  workbench rollback save 4645                 a checkpoint in memory; it runs on while that is written out
  workbench rollback save 4645 --keep 5        the last five are kept
  workbench rollback list                      what there is, of every process
  workbench rollback to 4645 --plan            what would become of it and of each of its connections
  workbench rollback to 4645 2                 back to generation 2, confirmed by typing the pid

A peer that has moved on cannot be rolled back: connections that lead out of the tree are reset on purpose. Those with
both ends in the tree come back as they were.

exit status: 0 done and proved; 1 failed, turned back or in doubt; 2 it cannot be done, or was not confirmed
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its actions."""
    form = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(
        "rollback",
        help="checkpoints in memory of a running process, and back to one of them",
        description="Keep the last states of a process in memory, and roll it back to one of them.",
        epilog=EXAMPLES,
        formatter_class=form,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    saving = actions.add_parser(
        "save", help="a new generation; the process runs on", epilog=EXAMPLES, formatter_class=form
    )
    saving.add_argument("pid", type=int, metavar="PID", help="root of the tree")
    saving.add_argument("--keep", type=_at_least_one, default=3, metavar="N", help="how many are kept (3)")
    saving.add_argument(
        "--at-most", type=_at_least_one, default=1024, metavar="MIB", help="memory that they may take together (1024)"
    )
    saving.set_defaults(func=save, hold=[])
    back = actions.add_parser("to", help="back to a generation", epilog=EXAMPLES, formatter_class=form)
    back.add_argument("pid", type=int, metavar="PID", help="root of the tree")
    back.add_argument("number", type=int, nargs="?", metavar="GENERATION", help="default: the newest")
    back.add_argument(
        "--policy", choices=("keep", "close"), default="keep", help="close: also connections inside the tree"
    )
    back.set_defaults(func=to, hold=[])
    for action in (saving, back):
        action.add_argument("--plan", action="store_true", help="print the plan and stop")
        action.add_argument("--yes", action="store_true", help="go on without asking")
    listing = actions.add_parser("list", help="the generations of every process, or of one")
    listing.add_argument("pid", type=int, nargs="?", metavar="PID")
    listing.set_defaults(func=list_generations)
    forgetting = actions.add_parser("forget", help="remove the generations of a process, which runs on")
    forgetting.add_argument("pid", type=int, metavar="PID")
    forgetting.set_defaults(func=forget_generations)
    for action in (saving, back, listing):
        action.add_argument("--format", choices=("text", "json"), default="text")


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def save(options: argparse.Namespace) -> int:
    """Plan it, and carry it out."""
    from workbench.cli.guided import carry_out
    from workbench.operation.rollback.save import SaveOperation, SaveRequest, prepare_save

    prepared = prepare_save(SaveRequest(options.pid, options.keep, options.at_most << 20))
    return carry_out(prepared.plan, lambda _: SaveOperation(prepared), options)


def to(options: argparse.Namespace) -> int:
    """Plan it, and carry it out."""
    from workbench.cli.guided import carry_out
    from workbench.operation.request import Policy, RollbackRequest
    from workbench.operation.rollback.plan_rollback import prepare_rollback
    from workbench.operation.rollback.rollback import RollbackOperation

    prepared = prepare_rollback(RollbackRequest(options.pid, options.number, Policy(options.policy)))
    return carry_out(prepared.plan, lambda _: RollbackOperation(prepared), options)


def list_generations(options: argparse.Namespace) -> int:
    """One line each, oldest first."""
    from workbench.operation.rollback.generations import every_process
    from workbench.present.rollback import generation_line

    known = [each for group in every_process() for each in group if options.pid in {None, each.pid}]
    if options.format == "json":
        print(json.dumps({"schema": 1, "generations": [_document(each) for each in known]}, indent=1))
        return ExitStatus.CLEAN
    if not known:
        print("There is no generation: workbench rollback save PID")
    for each in known:
        print(generation_line(each))
    return ExitStatus.CLEAN


def forget_generations(options: argparse.Namespace) -> int:
    """Remove them from memory and disk."""
    from workbench.operation.rollback.generations import forget
    from workbench.present.units import count

    print(f"{count(forget(options.pid), 'generation')} of process {options.pid} forgotten")
    return ExitStatus.CLEAN


def _document(generation: "Generation") -> dict[str, object]:
    return {
        "pid": generation.pid,
        "command": printable(generation.command),
        "generation": generation.number,
        "taken": generation.taken,
        "bytes": generation.bytes,
        "connections": generation.connections,
        "memory": printable(generation.memory),
        "disk": printable(generation.disk),
        "stopped_ms": generation.stopped_ms,
        "written_ms": generation.written_ms,
        "usable": bool(generation.images),
    }
