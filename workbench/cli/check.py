"""``workbench check``: what is wrong with a checkpoint or will go wrong, root cause first, with its evidence."""

import argparse
import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from workbench.cli import scope
from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.checking import Finding
    from workbench.cli.formats.outcome import Outcome, Style
    from workbench.cli.sources import Gathered
    from workbench.evidence.recording import RecordedFinding

FORMATS = ("text", "json", "jsonl", "sarif", "junit")
SEVERITIES = ("note", "warning", "error")
EXAMPLES = """\
examples:
  workbench check                               this host: forgotten locks, sockets that hang, a CRIU that cannot work
  workbench check dump.log                      why a dump failed
  workbench check images/ restore.log           images and a log together
  workbench check echo.tar.zst peer.ss a.pcap   a container's checkpoint, its peer's sockets and the packets
  workbench check --for dump --pid 4645         would this process survive a dump?
  workbench check bundle.zip@2 --pid 4645       what a bundle tells of a process, at the second of its moments
  workbench check --select NFT --format json    only what netfilter tells, for a program

exit status: 0 nothing at or above --fail-level; 1 findings; 2 usage, or a source that cannot be read;
3 incomplete: a check broke, or with --strict one was skipped
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check",
        help="what is wrong with this host, images, logs or rules, and what to do",
        description="Say what is wrong with a checkpoint or restore, or will go wrong, root cause first.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="an image directory, a checkpoint archive of podman, CRI-O or containerd, a log, a capture, the output of "
        "iptables-save, nft, ss, conntrack or crit, recorded events, a bundle; several together; nothing = this host",
    )
    scope.add_options(parser)
    parser.add_argument("--for", dest="purpose", choices=("dump", "restore"), help="judge before it is done")
    group = parser.add_argument_group("which checks")
    group.add_argument("--select", action="append", default=[], metavar="CODES", help="codes, families or names")
    group.add_argument("--ignore", action="append", default=[], metavar="CODES", help="likewise")
    group = parser.add_argument_group("output")
    group.add_argument("--min-severity", choices=SEVERITIES, default="note", help="what is shown")
    group.add_argument(
        "--fail-level", choices=(*SEVERITIES, "never"), default="warning", help="what makes the exit status 1"
    )
    group.add_argument("--strict", action="store_true", help="a check that could not look makes the exit status 3")
    group.add_argument("--format", choices=FORMATS, default="text")
    group.add_argument("-o", "--output", metavar="FILE", help="write there instead of to standard output")
    group.add_argument("-q", "--quiet", action="store_true", help="findings only")
    group.add_argument("-v", "--verbose", action="store_true", help="all evidence, and what passed or was skipped")
    group.add_argument("--no-color", action="store_true")
    parser.set_defaults(func=check)


def check(options: argparse.Namespace) -> int:
    """Gather evidence, ask the checks, write what they say, and choose the exit status."""
    from workbench.checking import RANK, Severity
    from workbench.checking.loading import declared, entries
    from workbench.checking.running import judge
    from workbench.checking.selection import choose
    from workbench.cli.formats.outcome import Style, outcome_of

    chosen = choose(entries(), options.select, options.ignore)
    evidence, files, part = _evidence(options)
    report = judge(map(declared, chosen), evidence)
    findings = tuple(finding for finding in report.findings if part.concerns(finding))
    outcome = outcome_of(evidence, report, findings, Severity(options.min_severity))
    quoted = {each.source for finding in report.findings for each in finding.problem.quotes}
    unreadable = (*files.unreadable, *(error for path, error in files.strange.items() if path not in quoted))
    of_files = bool(options.sources) and not options.purpose and not scope.asked(options)
    nothing_judged = not outcome.passed or (of_files and len(unreadable) == len(set(options.sources)))
    blind = bool(unreadable) and not outcome.findings and nothing_judged
    with ExitStack() as stack:
        stream = _stream(options.output, stack)
        colour = options.format == "text" and _colour(stream, refused=options.no_color)
        width = shutil.get_terminal_size().columns if stream.isatty() else 0
        style = Style(colour, width, options.quiet, options.verbose)
        # "nothing found" would be no answer to a person whose only source could not be read
        for line in () if blind and options.format == "text" else _lines(options.format, outcome, style):
            print(line, file=stream)
    for item in outcome.broken if options.format != "text" else ():
        sys.stderr.write(f"workbench: {item.check.code} broke: {printable(item.error)}\n")
    if files.recorded is not None and not scope.asked(options) and not options.purpose:
        codes = {entry.code for entry in chosen if not entry.own}
        then = [each for each in files.recorded if each.code in codes]
        _say_differences(then, [each for each in report.findings if each.code in codes])
    # what a bundle lacks its maker was told; what is left out of a file nobody else says
    for gap in () if files.recorded is not None or options.format != "text" else files.evidence.partial:
        if gap.section != "sources":
            sys.stderr.write(f"workbench: {printable(f'{gap.section}: {gap.reason}')}\n")
    for error in unreadable:
        sys.stderr.write(f"workbench: error: {printable(str(error))}\n")
    if unreadable:
        return ExitStatus.USAGE
    if outcome.broken or (options.strict and any(item.asked for item in outcome.skipped)):
        return ExitStatus.INCOMPLETE
    if options.fail_level == "never":
        return ExitStatus.CLEAN
    level = RANK[Severity(options.fail_level)]
    return ExitStatus.FINDINGS if any(RANK[item.severity] <= level for item in findings) else ExitStatus.CLEAN


def _evidence(options: argparse.Namespace) -> tuple[Evidence, "Gathered", scope.Scope]:
    """What is to be judged: files, this host, or both."""
    from workbench.cli.sources import read_sources

    if options.purpose == "dump" and options.pid is None and options.container is None:
        raise WorkbenchError("what is to be dumped is not named", "add --pid PID or --container ID")
    if options.purpose == "restore" and not options.sources:
        raise WorkbenchError("what is to be restored is not named", "add an image directory")
    files = read_sources(options.sources)
    read = files.evidence
    nothing_read = bool(options.sources) and len(files.unreadable) == len(set(options.sources))
    if nothing_read or (options.sources and not options.purpose and not scope.asked(options)):
        return read, files, scope.Scope()
    from workbench.cli.look import is_of_a_host, look_at_host, look_at_recorded

    look = look_at_recorded if is_of_a_host(read) else look_at_host
    evidence, part = look(options, read)
    return evidence, files, part


def _say_differences(then: "Sequence[RecordedFinding]", now: "Sequence[Finding]") -> None:
    """What these checks find in a bundle otherwise than those did by which it was made."""
    from workbench.bundle.judged import differences, recorded

    said = {"new": "found now, not when the bundle was made", "gone": "found when the bundle was made, not now"}
    for word, each in differences(then, recorded(now)):
        what = f"{each.severity} {each.code} {each.name}: {each.subject}"
        sys.stderr.write(f"workbench: {said[word]}: {printable(what)}\n")


def _lines(form: str, outcome: "Outcome", style: "Style") -> Iterator[str]:
    lines: Iterator[str] = importlib.import_module(f"workbench.cli.formats.{form}").lines(outcome, style)
    return lines


def _stream(path: str | None, stack: ExitStack) -> TextIO:
    if path is None:
        return sys.stdout
    try:
        return stack.enter_context(Path(path).open("w", encoding="utf-8"))
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be written: {error.strerror}") from error


def _colour(stream: TextIO, *, refused: bool) -> bool:
    """NO_COLOR and FORCE_COLOR as on no-color.org and force-color.org: set and not empty."""
    if refused or os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")
