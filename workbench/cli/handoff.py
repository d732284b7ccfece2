"""``workbench handoff``: one connection taken out of a process and given to another one."""

import argparse
import json
import sys

from workbench.cli.exit_status import ExitStatus
from workbench.operation.handoff.plan import HandoffRequest
from workbench.operation.handoff.result import HandoffOutcome
from workbench.present.handoff import handed_document, handed_lines, plan_document, plan_lines
from workbench.present.text import printable

EXAMPLES = """\
examples:
  workbench handoff 4645 7 --to /run/next.sock --plan        what it would do, and what stands in the way
  workbench handoff 4645 7 --to /run/next.sock               to the process that waits there (docs/handoff.md)
  workbench handoff --connection 10.0.0.2:7022-10.0.0.1:40000 --command ./server --once
                                                             to a program started for it: descriptor 3, LISTEN_FDS=1
  workbench handoff 4645 7 --to /run/next.sock --to-netns blue --move-address
  workbench handoff 4645 7 -o connection.state               into a file; the connection stays locked
  workbench handoff --from connection.state --to /run/next.sock
  workbench image connection.state                           what the file holds

exit status: 0 done; 1 it failed (the connection is with its old owner then, or the last line says where it is); 2 it
cannot be done, or was not confirmed
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "handoff",
        help="one connection taken out of a process and given to another one",
        description="Take one live TCP connection out of a process by TCP_REPAIR and give it to another process; the"
        " peer notices nothing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pid", type=int, nargs="?", metavar="PID", help="a process that has the connection open")
    parser.add_argument("fd", type=int, nargs="?", metavar="FD", help="its descriptor")
    parser.add_argument("--connection", metavar="LOCAL-PEER", help="instead of PID and FD, seen from its own end")
    parser.add_argument("--from", dest="state_file", metavar="FILE", help="a connection that -o left in this file")
    parser.add_argument("--to", metavar="PATH", default="", help="unix socket at which the recipient waits")
    parser.add_argument(
        "--command", nargs=argparse.REMAINDER, metavar="CMD", help="a program to start for it; takes all that follows"
    )
    parser.add_argument("--to-netns", metavar="NAME|PATH", help="network namespace that it goes to")
    parser.add_argument("--move-address", action="store_true", help="its address goes along to that namespace")
    parser.add_argument("-o", dest="keep", metavar="FILE", default="", help="leave its state in this file")
    parser.add_argument("--plan", action="store_true", help="print the plan and stop")
    parser.add_argument("--yes", action="store_true", help="go on without asking")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=handoff, usage=parser.error)


def handoff(options: argparse.Namespace) -> int:
    """Plan it, have it confirmed, do it."""
    from workbench.operation.handoff.planning import prepare_handoff

    plan = prepare_handoff(_request(options))
    if plan.obstacles and not options.plan:
        _show(options, plan_document(plan), plan_lines(plan))
        return _refuse("it cannot be done: " + plan.obstacles[0])
    if options.plan:
        _show(options, plan_document(plan), plan_lines(plan))
        return ExitStatus.USAGE if plan.obstacles else ExitStatus.CLEAN
    if not options.yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            _show(options, plan_document(plan), plan_lines(plan))
            return _refuse("nothing was done: there is no terminal to confirm on; give --yes to go on")
        sys.stderr.write("\n".join(plan_lines(plan)))
        sys.stderr.write(f"\n\nType {plan.confirmation} to go on, anything else to leave it: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip() != plan.confirmation:
            return _refuse("nothing was done: not confirmed")
    from workbench.operation.handoff.undisturbed import undisturbed

    handed = undisturbed(plan)
    _show(options, handed_document(handed), handed_lines(handed))
    wanted = HandoffOutcome.HANDED_OVER if options.to or options.command else HandoffOutcome.IN_FILE
    return ExitStatus.CLEAN if handed.outcome is wanted else ExitStatus.FINDINGS


def _request(options: argparse.Namespace) -> HandoffRequest:
    from workbench.cli.scope import parse_connection

    ways = (options.pid is not None, options.connection is not None, options.state_file is not None)
    if sum(ways) != 1 or (options.pid is not None and options.fd is None):
        options.usage("name the connection: PID FD, --connection LOCAL-PEER or --from FILE")
    return HandoffRequest(
        pid=options.pid or 0,
        fd=-1 if options.fd is None else options.fd,
        connection=parse_connection(options.connection) if options.connection else None,
        state_file=options.state_file or "",
        to=options.to,
        command=tuple(options.command or ()),
        netns=options.to_netns,
        move_address=options.move_address,
        keep=options.keep,
    )


def _show(options: argparse.Namespace, document: dict[str, object], lines: list[str]) -> None:
    print(json.dumps(document, indent=1) if options.format == "json" else "\n".join(lines), flush=True)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"workbench: {printable(sentence)}\n")
    return ExitStatus.USAGE
