"""``workbench keeper``: the peers of locked connections kept waiting until they are restored."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.cli.exit_status import ExitStatus
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.operation.keeping import Kept

EXAMPLES = """\
examples:
  workbench keeper images                     answer for every connection dumped into this directory, until restored
  workbench keeper connection.state           for one that `workbench handoff -o` took out
  workbench keeper images --for 600           ten minutes at most
  workbench dump 4645 -D images --keep-peer   dump, and begin at once

It ends by itself when every connection is restored (or reset). exit status: 0 all were released; 1 a peer gave up, or
one was not released yet; 2 it cannot be done
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "keeper",
        help="keep the peers of locked connections from giving up",
        description="Answer the peers of locked connections with a window of 0 bytes, so that they wait however long"
        " it takes, and have data flow at once when the connections are restored.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="DIR|FILE", help="image directory, or state of a connection")
    parser.add_argument("--netns", metavar="NAME|PATH", help="network namespace of the lock, if nobody knows it")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="no longer than this")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=keep)


def keep(options: argparse.Namespace) -> int:
    """Answer until it is over; tell what came of it."""
    from workbench.operation.keeper import PeerKeeper
    from workbench.operation.keeping import Ending

    keeper = PeerKeeper(options.source, options.netns)
    for warning in keeper.warnings:
        sys.stderr.write(f"workbench: {printable(warning)}\n")
    with keeper:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: keeper.stop())
        names = ", ".join(str(each) for each in keeper.connections[:3])
        more = f" and {len(keeper.connections) - 3} more" if keeper.connections[3:] else ""
        sys.stderr.write(f"keeping the peer of {printable(names)}{more}; Ctrl-C ends it\n")
        sys.stderr.flush()
        kept = keeper.run(options.seconds)
    _show(kept, options.format)
    released = all(each.ending is Ending.RELEASED for each in kept)
    return ExitStatus.CLEAN if released else ExitStatus.FINDINGS


def _show(kept: "Sequence[Kept]", form: str) -> None:
    if form == "json":
        rows = [asdict(each) | {"connection": str(each.connection), "ending": each.ending.value} for each in kept]
        print(json.dumps({"schema": 1, "kept": rows}, indent=1), flush=True)
        return
    for each in kept:
        answers = f"{each.answered} answers in {each.seconds:.1f} s"
        print(printable(f"{each.connection}: {each.ending.value}, {answers}, {each.kicks} kicks"), flush=True)
