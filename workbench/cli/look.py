"""Look at this host with every section that checks judge."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from workbench.cli.scope import Scope, roots, scope_of
from workbench.evidence import CriuTool, Evidence, Gap, Target


def look_at_host(options: argparse.Namespace, *, for_dump: bool) -> tuple[Evidence, Scope]:
    """Evidence of the host as it is now, and the part of it that the options name.

    With ``for_dump`` the evidence names that part as the target, and the open files of its processes are read.
    """
    from workbench.collect.live import SECTIONS, LiveSource
    from workbench.collect.processes import tree
    from workbench.operation.journal import unfinished
    from workbench.operation.lock_images import with_images_of_locks

    source = LiveSource(SECTIONS, criu=_criu, unfinished=unfinished)
    try:
        processes = source.evidence({"processes"}).processes
        named = roots(options, processes)
        evidence = source.evidence(trees=named)
    finally:
        source.close()
    pids = () if isinstance(evidence.processes, Gap) else tree(evidence.processes, named)
    scope = scope_of(options, evidence, pids)
    evidence = with_images_of_locks(evidence)
    if for_dump and pids:
        evidence = replace(evidence, target=Target("dump", _title(scope, pids), frozenset(pids)))
    return evidence, scope


def _title(scope: Scope, pids: Sequence[int]) -> str:
    others = len(pids) - 1
    return f"{scope.title} and {others} more" if others else scope.title


def _criu() -> CriuTool | None:
    from workbench.criu.find import find_criu

    found = find_criu()
    return found if isinstance(found, CriuTool) else None
