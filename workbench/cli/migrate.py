"""``workbench migrate``: a process moves to another host with its connections; the halves talk over one stream."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.operation.migration.receive import Received

EXAMPLES = """\
examples:
  workbench migrate send 4645 --plan -- ssh host-b workbench migrate receive    what both halves find in the way
  workbench migrate send 4645 -- ssh host-b workbench migrate receive           shown, confirmed by the pid, done
  workbench lab run migrate                                                     a rehearsal, on hosts made for it

Everything after -- is a command, argument by argument, started without a shell; its standard input and output are the
stream between the two halves. No port is opened.

exit status of send: 0 it lives at the destination and every connection is proved to go on; 1 failed, turned back or in
doubt; 2 it cannot be done, or was not confirmed; 130 interrupted and turned back
"""


class _CommandAtTheEnd(argparse.ArgumentParser):
    """Gives all that stands after ``--`` to one option; argparse by itself mixes it with the positional arguments."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        words = list(args or ())
        if "--" not in words:
            return super().parse_known_args(words, namespace)
        place = words.index("--")
        found, unknown = super().parse_known_args(words[:place], namespace)
        if hasattr(found, "to"):
            found.to = words[place + 1 :]  # another -- belongs to the command
        else:
            unknown += words[place:]
        return found, unknown


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its halves."""
    parser = subparsers.add_parser(
        "migrate",
        help="move a process with its connections to another host",
        description="Move a process tree to another host: images travel while CRIU writes them, the addresses of its"
        " connections move along, and it ends here only when it is restored there.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=_CommandAtTheEnd)
    sending = actions.add_parser("send", help="the source's half", epilog=EXAMPLES,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    sending.add_argument("pid", type=int, metavar="PID", help="root of the tree")
    sending.add_argument("-D", "--images", default="", metavar="DIR", help="image directory; default: one in memory")
    sending.add_argument("--after", action="store_true", help="images travel only when all of them are written")
    sending.add_argument("--on-descriptor", type=int, metavar="N", help="a connected stream instead of a command")
    sending.add_argument("--plan", action="store_true", help="print the plan and stop")
    sending.add_argument("--yes", action="store_true", help="go on without asking")
    sending.add_argument("--format", choices=("text", "json"), default="text")
    sending.add_argument(
        "--to", nargs=argparse.REMAINDER, default=[], metavar="COMMAND ...", help="the same as -- COMMAND ..."
    )
    sending.set_defaults(func=send, hold=[])
    receiving = actions.add_parser("receive", help="the destination's half, on standard input and output")
    receiving.add_argument("-D", "--images", default="", metavar="DIR", help="image directory; default: one in memory")
    receiving.add_argument("--interface", default="", metavar="NAME", help="gets the addresses that come along")
    receiving.set_defaults(func=receive)
    taking = actions.add_parser("take", help="what was restored here when the source fell silent, and ended there")
    taking.set_defaults(func=take)
    dropping = actions.add_parser("drop", help="what was restored here when the source fell silent, and lives there")
    dropping.set_defaults(func=drop)
    for action in (taking, dropping):
        action.add_argument("id", metavar="ID", help="of the migration, as `workbench recover` says")


def send(options: argparse.Namespace) -> int:
    """Plan it with the destination, and carry it out."""
    from workbench.cli.guided import carry_out
    from workbench.operation.migration.plan_send import SendRequest, prepare_send
    from workbench.operation.migration.send import SendOperation
    from workbench.operation.migration.transport import Transport

    if bool(options.to) is (options.on_descriptor is not None):
        raise WorkbenchError("where to is not said", "name the command that starts the other half after --")
    way = Transport.through(options.to) if options.to else Transport.on(options.on_descriptor)
    with way:
        request = SendRequest(options.pid, way.name, options.images, ahead=not options.after)
        prepared = prepare_send(request, way)
        return carry_out(prepared.plan, lambda _: SendOperation(prepared, way.channel), options)


def receive(options: argparse.Namespace) -> int:
    """Wait for what comes; what is to be said goes to standard error."""
    from workbench.operation.migration.channel import Channel, ChannelClosed
    from workbench.operation.migration.receive import Receiver, ReceiveRequest
    from workbench.operation.progress import Outcome

    if sys.stdin.isatty() or sys.stdout.isatty():
        raise WorkbenchError(
            "this half talks to `workbench migrate send`, not to a person", "give it to that as its command, after --"
        )
    channel = Channel(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)  # nothing else may come into the stream
    os.dup2(null, 1)
    os.close(null)
    try:
        received = Receiver(channel, ReceiveRequest(options.images, options.interface), _document).run()
    except ChannelClosed:
        return ExitStatus.CLEAN
    finally:
        channel.close()
    if received.outcome is None:
        return ExitStatus.CLEAN
    error = f": {received.error}" if received.error else ""
    sys.stderr.write(printable(f"workbench: arrival of {received.title} {received.outcome}{error}") + "\n")
    return ExitStatus.CLEAN if received.outcome is Outcome.SUCCEEDED else ExitStatus.FINDINGS


def _document(received: "Received") -> dict[str, object]:
    from workbench.cli.operation_document import operation_document

    return operation_document(received.progress) if received.progress else {}


def take(options: argparse.Namespace) -> int:
    """It ended at its source: bring it back here."""
    return _decide(options.id, "taken over")


def drop(options: argparse.Namespace) -> int:
    """It lives at its source: leave nothing of it here."""
    return _decide(options.id, "dropped")


def _decide(identity: str, transition: str) -> int:
    from workbench.cli.recover import report
    from workbench.operation.migration.decide import decide

    return report((decide(identity, transition),), "text", rehearsal=False)
