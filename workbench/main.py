"""The entry point: the application where there is a terminal and no command, else the command line."""

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from workbench import __version__, environment

_RECORDS = 100_000
"""Made until cyclic garbage is looked for."""


def _application(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="workbench", add_help=False)
    parser.add_argument("--lab", metavar="NAME")
    options = parser.parse_args(arguments)
    if not _has_terminal():
        from workbench.cli.main import build_parser

        build_parser().print_help(sys.stderr)
        return 2
    with _loading():
        from workbench.tui.app import run

    return run(lab=options.lab)


def _opened(words: Sequence[str]) -> int:
    """``open FILE``: the application on what was recorded."""
    from workbench.cli.main import build_parser
    from workbench.cli.opened import opened
    from workbench.errors import WorkbenchError
    from workbench.present.text import printable

    options = build_parser().parse_args(words)
    try:
        source, screen = opened(options.files)
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: error: {printable(str(error))}\n")
        return 2
    with _loading():
        from workbench.tui.app import run

    return run(source, screen=screen)


@contextmanager
def _loading() -> Iterator[None]:
    """Modules stay: to look for cycles in them takes a tenth of the start, and of some answers to a key."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _has_terminal() -> bool:
    """Textual reads standard input and draws on standard error."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workbench; the return value is the exit status of design's contract of commands."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _have_streams()
    environment.prepare()
    try:
        status = _started(words)
    except KeyboardInterrupt:
        sys.stderr.write("workbench: interrupted\n")
        return 130
    if arguments is None and words[:1] == ["sockets"]:
        # The program ends here, and nothing of it remains to be put away: to take the records of 100 000 sockets apart
        # one by one would be a tenth of its time.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _have_streams() -> None:
    """Closed streams (``<&-``) would be None here, and their numbers given to the next file that is opened."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "r" if number == 0 else "w"))


def _started(words: Sequence[str]) -> int:
    if words in (["--version"], ["-V"]):
        sys.stdout.write(f"workbench {__version__}\n")
        return 0
    if words[0:1] == ["open"] and _has_terminal():
        return _opened(words)
    if not words or words[0] == "--lab" or words[0].startswith("--lab="):
        return _application(words)
    # Evidence is many records without cycles: to look for some again and again would take longer than much of the work.
    gc.set_threshold(_RECORDS)
    from workbench.cli.main import run

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
