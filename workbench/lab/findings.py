"""What the checks say of a lab: its namespaces, the images that came of it and what CRIU logged."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from workbench.checking import Finding
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.collect.live import EVERY_SECOND, SECTIONS, LiveSource
from workbench.collect.processes import tree
from workbench.criu.find import find_criu
from workbench.errors import WorkbenchError
from workbench.evidence import CriuTool, Evidence, Gap, NetworkNamespace, Target
from workbench.lab.lab import Lab
from workbench.operation.journal import unfinished
from workbench.read.criu_images import read_image_directory
from workbench.read.log_digest import read_digest

_OF_NAMESPACES = ("sockets", "rules", "locks", "conntrack")


def look(
    namespaces: Iterable[NetworkNamespace], source: LiveSource | None = None, trees: Iterable[int] = ()
) -> Evidence:
    """The live host as far as it concerns these namespaces."""
    opened = source or LiveSource(EVERY_SECOND)
    try:
        evidence = opened.evidence(trees=tuple(trees))
    finally:
        opened.close()
    own = {namespace.inode for namespace in namespaces}
    narrowed: dict[str, Any] = {}
    for name in _OF_NAMESPACES:
        if not isinstance(value := getattr(evidence, name), Gap):
            narrowed[name] = tuple(item for item in value if item.netns in own)
    if not isinstance(evidence.namespaces, Gap):
        narrowed["namespaces"] = tuple(space for space in evidence.namespaces if space.inode in own)
    if not isinstance(evidence.sysctls, Gap):
        narrowed["sysctls"] = tuple(item for item in evidence.sysctls if item.netns in {None, *own})
    if not isinstance(evidence.network, Gap):
        network = evidence.network
        parts = {
            name: tuple(item for item in getattr(network, name) if item.netns in own)
            for name in ("links", "addresses", "routes")
        }
        narrowed["network"] = replace(network, **parts)
    if not isinstance(evidence.processes, Gap):
        # a CRIU of somebody else's has nothing to do with the lab
        narrowed["processes"] = {
            pid: process
            for pid, process in evidence.processes.items()
            if process.command != "criu" or process.namespaces.net in own
        }
    partial = tuple(gap for gap in evidence.partial if gap.netns is None or gap.netns in own)
    return replace(evidence, partial=partial, **narrowed)


def find(lab: Lab) -> tuple[Finding, ...]:
    """Ask every check about a lab, its images and the logs among them; root cause first.

    What is said of the machine as a whole is left out.
    """
    evidence = _evidence(lab)
    found = judge((load(entry) for entry in entries() if not entry.own), evidence).findings
    return tuple(finding for finding in found if finding.problem.subject.kind != "host")


def _evidence(lab: Lab) -> Evidence:
    judged_for = lab.scenario.expectation.judged_for
    source = LiveSource(SECTIONS, criu=_criu, unfinished=lambda: unfinished(lab.state))
    processes = source.evidence({"processes"}).processes
    pids: tuple[int, ...] = ()
    if isinstance(processes, Mapping) and lab.server_pid in processes:
        pids = tuple(tree(processes, (lab.server_pid,)))
    evidence = look(lab.namespaces, source, (lab.server_pid,) if pids and judged_for == "dump" else ())
    if judged_for == "dump":
        evidence = replace(evidence, target=Target("dump", f"lab-server {lab.server_pid}", frozenset(pids)))
    sources = list(evidence.sources)
    logs = tuple(read_digest(path) for place in lab.image_directories for path in sorted(place.glob("*.log")))
    if logs:
        sources += [digest.file for digest in logs]
        lines = tuple(line for digest in logs for line in digest.lines)
        evidence = replace(evidence, logs=logs, log=lines)
    images = []
    for place in lab.image_directories:
        with contextlib.suppress(WorkbenchError):  # nothing was dumped, or the images are lost
            images.append(read_image_directory(place))
    if images:
        sources += [image.path for image in images]
        evidence = replace(evidence, images=tuple(images))
        if judged_for == "restore":
            target = Target("restore", images[0].path, images=images[0].path, netns=lab.host.inode)
            evidence = replace(evidence, target=target)
    return replace(evidence, sources=tuple(sources))


def _criu() -> CriuTool | None:
    found = find_criu()
    return None if isinstance(found, Gap) else found
