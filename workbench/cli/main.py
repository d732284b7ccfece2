"""The command line: one module a command, registered here; errors a user can act on end in one sentence."""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from workbench import __version__
from workbench.cli.exit_status import ExitStatus
from workbench.cli.help_text import Parser
from workbench.errors import WorkbenchError
from workbench.present.text import printable

COMMANDS = (
    "check",
    "explain",
    "sockets",
    "processes",
    "locks",
    "image",
    "compare",
    "events",
    "queues",
    "capture",
    "packets",
    "why",
    "dump",
    "restore",
    "handoff",
    "keeper",
    "recover",
    "migrate",
    "rollback",
    "bundle",
    "lab",
    "doctor",
    "completion",
)
"""Modules of this package in the order of the help; each has ``register(subparsers)``."""

EXAMPLES = """\
examples:
  workbench                                 the application
  workbench --lab established               the application, with a connection to try things on
  workbench sockets                         every TCP socket of every network namespace
  workbench events --pid 4645               what happens to a process's connections, and who reset which
  workbench why 10.0.0.2:80-10.0.0.1:40000  why nothing flows through a connection
  workbench check dump.log                  why a dump failed, and what to do
  workbench dump 4645 -D images --plan      what a dump of process 4645 would do
  workbench restore -D images               bring it back, with proof that its connections go on
  workbench handoff 4645 7 --to /run/x      one connection to the process that waits there
  workbench recover                         put right what an interrupted operation left behind
  workbench bundle --operation last         one file about it, for somebody else to open
  workbench lab run established             a dump and a restore of a connection made for it
"""


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of these commands; cheap, since modules import what they need when they run."""
    parser = Parser(
        prog="workbench",
        description="See, dump and restore processes with live TCP connections.",
        epilog=EXAMPLES,
    )
    parser.add_argument("-V", "--version", action="version", version=f"workbench {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in commands:
        importlib.import_module(f"workbench.cli.{name}").register(subparsers)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    # Most modules have the name of their command: then the others are not needed to understand what follows it.
    named = arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS
    options = build_parser(named).parse_args(arguments)
    try:
        status = int(options.func(options))
        sys.stdout.flush()
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: error: {printable(str(error))}\n")
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        sys.stderr.write("workbench: interrupted\n")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`); what is buffered has nowhere to go.
        _output_to_nowhere()
        return ExitStatus.CLEAN
    except OSError as error:
        if error.filename is not None:
            hint = ": run the workbench as root" if isinstance(error, PermissionError) else ""
            sys.stderr.write(f"workbench: error: {printable(f'{error.filename}: {error.strerror}')}{hint}\n")
            return ExitStatus.USAGE
        if error.errno not in _UNWRITABLE:
            raise
        _output_to_nowhere()
        sys.stderr.write(f"workbench: error: the output cannot be written: {error.strerror}\n")
        return ExitStatus.USAGE
    return status


_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def _output_to_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
