"""``workbench locks``: CRIU's network locks of every namespace and backend, and whom each belongs to."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.document import FORMATS, Row, table, write_section
from workbench.cli.scope import namespace_inode
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap, ImageDirectory, LockScope
from workbench.present.text import printable

if TYPE_CHECKING:
    from workbench.evidence.lock_map import LockUse

_SECTIONS = ("host", "rules", "locks", "sockets", "sequences", "processes", "network", "images", "unfinished")
EXAMPLES = """\
examples:
  workbench locks                                    what stands where, and whose it is
  workbench locks --remove --plan                    what would be removed, with the commands; nothing is done
  workbench locks --remove                           remove what nobody uses, once you have typed the word
  workbench locks --remove CRIU-660e2a43-99b0-4c54-a4
  workbench locks --remove 10.0.0.2:7022-10.0.0.1:56692 --even-if-needed --yes

exit status of --remove: 0 no leftover lock remains; 1 one remains that could be neither removed nor recognised as
needed, or one that was named stays; 2 usage, not confirmed, or rules that could not be read
"""
_SHOWN_CONNECTIONS = 3


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    title = "network locks that CRIU made, and whom each belongs to"
    parser = subparsers.add_parser(
        "locks",
        help=title,
        description="List the network locks that CRIU made in every network namespace by iptables-legacy, iptables-nft "
        "and nftables, each with its connections, sockets, processes and images, and whether it is needed, forgotten "
        "or hurting somebody; or remove those that are left over.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a bundle or saved rules; else this host")
    parser.add_argument(
        "-D", "--images", metavar="DIR", action="append", default=[], help="an image directory that a lock may be for"
    )
    parser.add_argument("--netns", metavar="NAME|PATH", help="only those of this network namespace")
    parser.add_argument("--format", choices=FORMATS, default="text")
    group = parser.add_argument_group("removing")
    group.add_argument(
        "--remove",
        metavar="LOCK",
        nargs="*",
        help="remove these locks (name of a table, or LOCAL-PEER of a connection), without any all that are left over",
    )
    group.add_argument("--plan", action="store_true", help="say what would be removed and by which commands, and stop")
    group.add_argument("--yes", action="store_true", help="go on without asking")
    group.add_argument(
        "--even-if-needed", action="store_true", help="also locks that images wait behind, or may wait behind"
    )
    parser.set_defaults(func=locks)


def locks(options: argparse.Namespace) -> int:
    """Print the locks, or remove them."""
    from workbench.evidence.lock_map import map_locks

    if options.remove is None and (options.plan or options.yes or options.even_if_needed):
        raise WorkbenchError("--plan, --yes and --even-if-needed go with --remove")
    evidence = look(options)
    if options.remove is not None:
        from workbench.cli.removal import remove_locks

        return remove_locks(options, evidence)
    if isinstance(evidence.locks, Gap):
        return write_section(evidence, "locks", evidence.locks, (), options.format)
    uses = map_locks(evidence)
    rows = [lock_row(use, evidence) for use in uses]
    if not uses and options.format == "text":
        print(f"workbench: no lock of CRIU's stands {'there' if options.source else 'on this host'}", file=sys.stderr)
    return write_section(evidence, "locks", rows, _lines(uses, evidence), options.format)


def look(options: argparse.Namespace) -> Evidence:
    """This host as far as locks are concerned; with ``--netns`` the locks of that namespace alone."""
    from workbench.collect.live import LiveSource
    from workbench.operation.journal import unfinished
    from workbench.operation.lock_images import with_images_of_locks

    if options.source is not None:
        from workbench.cli.sources import evidence_of

        if options.remove is not None or options.netns is not None or options.images:
            raise WorkbenchError("--remove, --netns and --images are about this host", "leave out SOURCE")
        return evidence_of(options.source)
    netns = None if options.netns is None else namespace_inode(options.netns)
    source = LiveSource(_SECTIONS, images=lambda: _images(options.images), unfinished=unfinished)
    try:
        evidence = source.evidence()
    finally:
        source.close()
    if netns is not None and not isinstance(evidence.locks, Gap):
        partial = tuple(gap for gap in evidence.partial if gap.netns in {None, netns})
        locks = tuple(lock for lock in evidence.locks if lock.netns == netns)
        evidence = replace(evidence, locks=locks, partial=partial)
    return evidence if options.images else with_images_of_locks(evidence)


def _images(paths: Sequence[str]) -> tuple[ImageDirectory, ...] | Gap:
    if not paths:
        return Gap("images", "no image directory was given", "name those that may belong to a lock: --images DIR")
    from workbench.read.criu_images import read_image_directory

    return tuple(read_image_directory(Path(path)) for path in paths)


def lock_row(use: "LockUse", evidence: Evidence) -> Row:
    """One lock for JSON; ``unlock`` is what would lift it, as it could be typed."""
    lock = use.lock
    return {
        "netns": lock.netns,
        "netns_name": _namespace_name(lock.netns, evidence),
        "backend": lock.backend.value,
        "scope": lock.scope.value,
        "family": lock.family,
        "table": printable(lock.table),
        "name": printable(lock.name),
        "status": use.status.value,
        "sentence": printable(use.sentence),
        "advice": printable(use.advice),
        "connections": [{"local": str(each.local), "peer": str(each.peer)} for each in use.connections],
        "directions": sorted(lock.directions),
        "packets": lock.packets,
        "duplicates": lock.duplicates,
        "run_id": lock.run_id_prefix,
        "root_pid": lock.root_pid,
        "pids": [process.pid for process in use.processes],
        "cookies": [socket.cookie for socket in use.sockets],
        "images": printable(use.image.path) if use.image else None,
        "operation": printable(use.operation.id) if use.operation else None,
        "rules": [f"{printable(rule.chain)}: {printable(rule.text)}" for rule in lock.rules],
        "unlock": _unlock(use, evidence),
    }


def _unlock(use: "LockUse", evidence: Evidence) -> list[str]:
    from workbench.operation.unlock import plan_unlock

    spaces = () if isinstance(evidence.namespaces, Gap) else evidence.namespaces
    path = next((each.path for each in spaces if each.inode == use.lock.netns and not each.is_host), "")
    try:
        return [command.typed(path) for command in plan_unlock(use.lock).commands]
    except WorkbenchError:  # somebody else's rules are in it: no command lifts the lock alone
        return []


def _namespace_name(netns: int, evidence: Evidence) -> str | None:
    for each in () if isinstance(evidence.namespaces, Gap) else evidence.namespaces:
        if each.inode == netns:
            return "host" if each.is_host else printable(each.names[0]) if each.names else None
    return None


def _lines(uses: Sequence["LockUse"], evidence: Evidence) -> list[str]:
    if not uses:
        return []
    heading = ("STATUS", "NETNS", "BACKEND", "DIRECTION", "HELD", "HOLDS BACK")
    lines = table(heading, [_cells(use, evidence) for use in uses])
    shown = [lines[0]]
    for line, use in zip(lines[1:], uses, strict=True):
        advice = f"; {use.advice}" if use.advice else ""
        shown += [line, f"  {printable(use.sentence + advice)}"]
    return shown


def _cells(use: "LockUse", evidence: Evidence) -> tuple[str, ...]:
    lock = use.lock
    directions = {2: "both", 1: f"{''.join(lock.directions)} only", 0: "none"}[len(lock.directions)]
    if lock.scope is LockScope.NAMESPACE:
        holds = "the whole namespace"
    else:
        more = len(use.connections) - _SHOWN_CONNECTIONS
        holds = ", ".join(map(str, use.connections[:_SHOWN_CONNECTIONS])) or "no connection yet"
        holds += f" and {more} more" if more > 0 else ""
    return (
        use.status.value,
        _namespace_name(lock.netns, evidence) or str(lock.netns),
        lock.backend.value + (f" {lock.table}" if lock.backend.value == "nftables" else ""),
        directions + (f", {lock.duplicates + 1} times" if lock.duplicates else ""),
        "-" if lock.packets is None else f"{lock.packets} packets",
        printable(holds),
    )
