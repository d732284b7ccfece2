"""``workbench doctor``: each part that is needed: found where, which version, works or not, what to do."""

import argparse
import dataclasses
import json

from workbench.cli.exit_status import ExitStatus
from workbench.evidence import Part
from workbench.present.text import printable

EXAMPLES = """\
examples:
  workbench doctor                         all of them, each with what to do if it does not work
  workbench doctor --format json           the same for a program

exit status: 0 all that a dump and a restore need works; 1 something of it does not
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="each part that the workbench needs, tried",
        description="Try each part that the workbench needs, and say where it was found, whether it works, what to do.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=doctor)


def doctor(options: argparse.Namespace) -> int:
    """Print the parts; 0 if all that dump and restore need works, else 1."""
    from workbench.collect.parts import PARTS
    from workbench.criu.parts import criu_parts

    found: list[Part] = []
    for part in (*(look() for look in PARTS), *criu_parts()):
        found.append(part)
        if options.format == "text":
            _show(part)
    if options.format == "json":
        print(json.dumps({"schema": 1, "parts": [dataclasses.asdict(part) for part in found]}, indent=1))
    broken = [part for part in found if part.required and part.works is False]
    return ExitStatus.FINDINGS if broken else ExitStatus.CLEAN


def _show(part: Part) -> None:
    word = {True: "works", False: "fails" if part.required else "absent", None: "untried"}[part.works]
    print(printable(f"{word:8} {part.name:17} {part.version:28} {part.found}".rstrip()))
    print(printable(f"{'':9}{part.detail}"))
    if part.remedy:
        print(printable(f"{'':9}-> {part.remedy}"))
