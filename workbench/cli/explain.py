"""``workbench explain`` and ``workbench checks``: the page of one check, and the catalogue."""

import argparse
import json

from workbench.cli.exit_status import ExitStatus

EXPLAIN_EXAMPLES = """\
examples:
  workbench explain SCK005                 by its code
  workbench explain stuck-in-repair        by its name
"""
CHECKS_EXAMPLES = """\
examples:
  workbench checks                         code, name and title of each
  workbench checks --format json           with the sections of evidence that each needs, for a program
  workbench check --select NFT,SCK005      ask some of them only
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands."""
    parser = subparsers.add_parser(
        "explain",
        help="the page of one check",
        description="Print the page of a check: what it looks at, why it matters, what to do, when it is wrong.",
        epilog=EXPLAIN_EXAMPLES,
    )
    parser.add_argument("check", metavar="CODE|NAME", help="as it stands in front of a finding")
    parser.set_defaults(func=explain)
    parser = subparsers.add_parser(
        "checks", help="every check there is", description="List every check there is.", epilog=CHECKS_EXAMPLES
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=checks)


def explain(options: argparse.Namespace) -> int:
    """Print the page; of a name that two families share, both pages."""
    from workbench.checking.check import Broken
    from workbench.checking.loading import entries, load
    from workbench.checking.requirements import FAMILIES
    from workbench.checking.selection import named
    from workbench.errors import WorkbenchError

    word = options.check
    if word.upper() in FAMILIES:
        raise WorkbenchError(f"{word.upper()} is a family of checks", "`workbench checks` lists them")
    for number, entry in enumerate(named(entries(), word)):
        loaded = load(entry)
        if isinstance(loaded, Broken):
            raise WorkbenchError(f"{entry.path} is no valid check", loaded.error)
        if number:
            print()
        print(f"{loaded.code} {loaded.name} (since {loaded.since})\n\n{loaded.page}")
    return ExitStatus.CLEAN


def checks(options: argparse.Namespace) -> int:
    """Print the catalogue; 3 if a file in it is broken."""
    from workbench.checking.check import Broken
    from workbench.checking.loading import entries, load
    from workbench.cli.document import table
    from workbench.present.text import printable

    loaded = [load(entry) for entry in entries()]
    broken = [item for item in loaded if isinstance(item, Broken)]
    sound = [item for item in loaded if not isinstance(item, Broken)]
    if options.format == "json":
        rows = [
            {
                "code": item.code,
                "name": item.name,
                "title": item.title,
                "since": item.since,
                "needs": list(item.needs),
                "accepts": list(item.accepts),
            }
            for item in sound
        ]
        faults = [{"code": item.check.code, "error": printable(item.error)} for item in broken]
        print(json.dumps({"schema": 1, "checks": rows, "broken": faults}, indent=1))
    else:
        for line in table(("CODE", "NAME", "TITLE"), [(item.code, item.name, item.title) for item in sound]):
            print(printable(line))
        for item in broken:
            print(printable(f"{item.check.code} is broken: {item.error}"))
    return ExitStatus.INCOMPLETE if broken else ExitStatus.CLEAN
