"""``workbench why``: why does nothing flow through this connection?"""

import argparse
import json

from workbench.cli import scope
from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.evidence.silence import Answer, Silent
from workbench.present.line import plain
from workbench.present.silence import silence_lines
from workbench.present.text import printable

EXAMPLES = """\
examples:
  workbench why 10.0.0.2:7022-10.0.0.1:56086               watch it for three seconds, and say why it is silent
  workbench why 10.0.0.2:7022-10.0.0.1:56086 --netns app   where several namespaces have such a connection
  workbench why [fd00::2]:80-[fd00::1]:40000 --format json
exit status: 0 if it is silent rightly, or not silent; 1 if something is wrong with it
"""
_WELL = frozenset({Silent.FLOWS, Silent.NOTHING_TO_SEND})


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "why",
        help="why nothing flows through a connection",
        description="Watch one connection for a moment, without touching it, and say why nothing flows through it:"
        " locked, in repair mode, dropped as invalid, sequence numbers that do not fit, peer gone, no timer, not read,"
        " window of zero, or nothing to send. What shows it is printed, too.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("connection", metavar="LOCAL-PEER", help="as in 10.0.0.1:80-10.0.0.2:40000; this end first")
    parser.add_argument("--netns", metavar="NAME|PATH", help="the network namespace of this end")
    parser.add_argument("--seconds", type=float, metavar="N", help="watch for so long (default 3)")
    parser.add_argument(
        "--capture", action="append", default=[], metavar="PCAP",
        help="ask this capture who reset the connection, if it is gone; may be repeated",
    )  # fmt: skip
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=why)


def why(options: argparse.Namespace) -> int:
    """Watch, and print the answer."""
    from workbench.collect.silence import SECONDS, ask_why
    from workbench.read.pcap import read_capture

    seconds = SECONDS if options.seconds is None else options.seconds
    if not 0 < seconds <= 3600:
        raise WorkbenchError(f"--seconds {seconds:g} is no time to watch for", "give a number above 0, and up to 3600")
    connection = scope.parse_connection(options.connection)
    netns = None if options.netns is None else scope.namespace_inode(options.netns)
    answer = ask_why(connection, netns, seconds, tuple(map(read_capture, options.capture)))
    if options.format == "json":
        print(json.dumps({"schema": 1, "silence": answer_row(answer)}, indent=1))
    else:
        print("\n".join(plain(each) for each in silence_lines(answer)))
    return ExitStatus.CLEAN if answer.why in _WELL else ExitStatus.FINDINGS


def answer_row(answer: Answer) -> dict[str, object]:
    """The answer for a program."""
    return {
        "why": answer.why.value,
        "local": str(answer.connection.local),
        "peer": str(answer.connection.peer),
        "netns": answer.netns,
        "sentence": printable(answer.sentence),
        "proof": [{"source": proof.source, "text": printable(proof.text)} for proof in answer.proof],
        "advice": printable(answer.advice) or None,
    }
