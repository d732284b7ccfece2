"""``workbench bundle``, ``bundle show`` and ``open``: a bug report that opens like the machine it came from."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.exit_status import ExitStatus
from workbench.cli.interruption import Interruption
from workbench.errors import WorkbenchError
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.bundle.gather import Stop
    from workbench.bundle.redaction import Consent
    from workbench.bundle.write import Material
    from workbench.read.bundle import Bundle

NAME = "workbench-bundle.zip"
EXAMPLES = """\
examples:
  workbench bundle                                   this host as it is now, into workbench-bundle.zip
  workbench bundle --dry-run                         what would be in it, and how large; nothing is written
  workbench bundle --seconds 30 --pid 4645           half a minute, with all that 4645 and its children have open
  workbench bundle --images images --log dump.log    image directories and logs alone
  workbench bundle --operation last                  the last dump or restore: before, meanwhile and after
  workbench bundle show workbench-bundle.zip         what is in it
  workbench open workbench-bundle.zip                the application, on it
  workbench check workbench-bundle.zip               the checks, on it

Payload, environment and arguments of programs are not in it; addresses, names and paths are replaced.
See docs/bundles.md. `check`, `sockets`, `processes` and `locks` take a bundle too.
"""
OPEN_EXAMPLES = """\
examples:
  workbench open workbench-bundle.zip           like the machine it came from
  workbench open echo.tar.zst between.pcap      a container's checkpoint, with the packets until its restore
  workbench open rules.txt peer.ss              rules and sockets that somebody sent
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands."""
    parser = subparsers.add_parser(
        "bundle",
        help="one file with what is known of a problem and nothing private, for somebody else to open",
        description="Make one file of this host, of an operation, or of images and logs; show what is in one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", metavar="FILE", default=NAME, help=f"default {NAME}")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.add_argument("--dry-run", action="store_true", help="list members and sizes, write nothing")
    group = parser.add_argument_group("what is recorded (nothing named: this host)")
    group.add_argument("--seconds", type=_seconds, default=0, metavar="N", help="a moment each second, and the events")
    group.add_argument("--pid", type=int, action="append", default=[], metavar="PID", help="with what it has open")
    group.add_argument("--images", action="append", default=[], metavar="DIR", help="an image directory or archive")
    group.add_argument("--log", action="append", default=[], metavar="FILE", help="a log, a capture, a list of rules")
    group.add_argument("--operation", metavar="ID", help="a journaled dump or restore, from before until now; `last`")
    group.add_argument("--host", action="store_true", help="this host beside images and logs")
    group = parser.add_argument_group("what else its owner agrees to give")
    group.add_argument("--no-redact", action="store_true", help="addresses, names and paths as they are")
    group.add_argument("--arguments", action="store_true", help="arguments of programs")
    group.add_argument("--payload", choices=("none", "full"), default="none", help="contents of queues and packets")
    group.add_argument("--max-size", type=_size, default="20MiB", metavar="SIZE", help="default 20MiB")
    parser.set_defaults(func=bundle)
    commands = parser.add_subparsers(metavar="show", required=False)
    shown = commands.add_parser("show", help="what is in a bundle", description="List what is in a bundle.")
    shown.add_argument("file", metavar="FILE")
    shown.add_argument("--format", choices=("text", "json"), default="text")
    shown.set_defaults(func=show)
    opened = subparsers.add_parser(
        "open",
        help="the application on a bundle, or on other recordings: no root, no CRIU, no network needed",
        description="Open a bundle in the application; [ and ] step through its moments. Whatever else the workbench"
        " can check is opened too, several files as one moment: images, checkpoint archives of containers, captures,"
        " rules, sockets, logs, and what `workbench events --format jsonl` has written.",
        epilog=OPEN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    opened.add_argument("files", metavar="FILE", nargs="+")
    opened.set_defaults(func=no_terminal)


def bundle(options: argparse.Namespace) -> int:
    """Gather, redact, judge, and write the file or say what would be in it."""
    from workbench.bundle.judged import LibraryJudge
    from workbench.bundle.key import host_key
    from workbench.bundle.redaction import Redaction
    from workbench.bundle.write import make, save
    from workbench.evidence.columns import without_collection
    from workbench.operation.journal import state_directory
    from workbench.present.bundle import bundle_lines

    path = Path(options.output)
    if not options.dry_run and not options.force and path.exists():
        raise WorkbenchError(f"{path} is there already", "name another file with -o, or add --force")
    redaction = Redaction(host_key(state_directory()), _consent(options))
    # The first ends a recording, and what was recorded is kept; the next, or without a recording the first, gives up.
    with Interruption(patience=1 if options.seconds else 0) as interruption, without_collection():
        material = _material(options, interruption.within)
        made = make(material, redaction, judge=LibraryJudge(), largest=options.max_size, tell=_tell)
        if not options.dry_run:
            save(made, path, replacing=options.force)
    for line in bundle_lines(made.manifest, made.sizes, made.findings):
        print(line)
    print(f"{made.size} bytes in all")
    if not options.dry_run:
        _tell(f"written to {path}; look at what is in it before you give it away, with unzip -p")
    return ExitStatus.CLEAN


def show(options: argparse.Namespace) -> int:
    """Say what is in a bundle; every member is read and compared with the manifest."""
    from workbench.present.bundle import bundle_lines
    from workbench.read.bundle import Bundle

    opened = Bundle(options.file)
    try:
        opened.verify()
        if options.format == "json":
            print(json.dumps(_document(opened), indent=1))
        else:
            for line in bundle_lines(opened.manifest, opened.sizes(), opened.findings()):
                print(line)
    finally:
        opened.close()
    return ExitStatus.CLEAN


def no_terminal(options: argparse.Namespace) -> int:
    """What ``open`` does where the application cannot be drawn; see ``workbench.main``."""
    raise WorkbenchError(
        "the application needs a terminal",
        f"`workbench check {shlex.join(options.files)}` says without one what is wrong",
    )


def _seconds(text: str) -> float:
    from workbench.bundle.gather import LONGEST_S

    seconds = float(text)
    if not 0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"between 1 and {LONGEST_S}")
    return seconds


def _size(text: str) -> int:
    number = text.rstrip("BbIi")
    unit = {"K": 10, "M": 20, "G": 30}.get(number[-1:].upper(), 0)
    size = round(float(number[:-1] if unit else number) * (1 << unit))
    if not 64 << 10 < size <= 256 << 20:
        raise argparse.ArgumentTypeError("between 64KiB and 256MiB")
    return size


def _consent(options: argparse.Namespace) -> "Consent":
    from workbench.bundle.redaction import Consent

    return Consent(names=options.no_redact, arguments=options.arguments, payload=options.payload == "full")


def _material(options: argparse.Namespace, stop: "Stop") -> "Material":
    from workbench.bundle.gather import Sought, gather
    from workbench.cli.sources import read_sources

    files = read_sources((*options.images, *options.log)) if options.images or options.log else None
    for error in files.unreadable if files else ():
        sys.stderr.write(f"workbench: error: {printable(str(error))}\n")
    if files and files.unreadable and len(files.unreadable) == len({*options.images, *options.log}):
        raise WorkbenchError("nothing that was named could be read")
    sought = Sought(
        host=options.host or bool(options.pid) or options.seconds > 0 or bool(options.operation) or not files,
        pids=tuple(options.pid),
        seconds=options.seconds,
        files=files.evidence if files else None,
        operation=options.operation,
    )
    return gather(sought, _tell, stop)


def _tell(text: str) -> None:
    sys.stderr.write(f"workbench: {printable(text)}\n")


def _document(opened: "Bundle") -> dict[str, object]:
    from dataclasses import asdict

    found: dict[str, object] = asdict(opened.manifest)
    return {"schema": 1, "bundle": _printable(found), "findings": [_printable(asdict(e)) for e in opened.findings()]}


def _printable(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): _printable(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_printable(item) for item in value]
    return value
