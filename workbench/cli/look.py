"""Look at this host, or at one that was recorded, as far as the options name a part of it or a purpose."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from workbench.cli.scope import Scope, roots, scope_of
from workbench.errors import WorkbenchError
from workbench.evidence import CriuTool, Evidence, Gap, ImageDirectory, Target

_OF_A_HOST = ("processes", "sockets", "rules", "conntrack", "captures")
_BESIDE_THE_HOST = ("images", "log", "logs")
"""Sections of files that are judged together with what is seen on this host."""


def is_of_a_host(evidence: Evidence) -> bool:
    """Whether a recording tells of a host, so that this one is not looked at beside it."""
    return any(not isinstance(getattr(evidence, section), Gap) for section in _OF_A_HOST)


def look_at_host(options: argparse.Namespace, files: Evidence) -> tuple[Evidence, Scope]:
    """This host as it is now together with images and logs, and the part of it that the options name.

    With ``--for dump`` that part is the target, and the open files of its processes are read.
    """
    from workbench.collect.live import SECTIONS, LiveSource
    from workbench.operation.journal import unfinished
    from workbench.operation.lock_images import with_images_of_locks

    source = LiveSource(SECTIONS, criu=_criu, unfinished=unfinished)
    try:
        processes = source.evidence({"processes"}).processes
        named = roots(options, processes)
        evidence = source.evidence(trees=named)
    finally:
        source.close()
    evidence, scope = _part(options, with_images_of_locks(evidence), named, recorded=False)
    if files.sources:
        read = {name: getattr(files, name) for name in _BESIDE_THE_HOST}
        evidence = replace(
            evidence,
            sources=(*evidence.sources, *files.sources),
            partial=(*evidence.partial, *files.partial),
            **{name: value for name, value in read.items() if not isinstance(value, Gap)},
        )
    if options.purpose == "restore":
        from workbench.collect.files import collect_files

        netns = next(iter(scope.netns)) if len(scope.netns) == 1 else None
        images = _images(files)
        found = collect_files(item.path for item in images.files)
        evidence = replace(evidence, files=found, target=_restore(images, netns))
    return evidence, scope


def look_at_recorded(options: argparse.Namespace, recorded: Evidence) -> tuple[Evidence, Scope]:
    """A host of which there is only this evidence. Raises WorkbenchError if it lacks what the options name."""
    if options.purpose and isinstance(recorded.processes, Gap):
        raise WorkbenchError(
            f"whether a {options.purpose} would do cannot be judged by what was recorded of a host in part",
            "name a bundle of the whole host, or leave it out to judge this one",
        )
    named = roots(options, recorded.processes, " FILE")
    evidence, scope = _part(options, recorded, named, recorded=True)
    seen = recorded.target.pids if isinstance(recorded.target, Target) else frozenset()
    if options.purpose == "dump" and not scope.pids <= seen:
        reason = f"the open files of process {named[0]} were not recorded"
        gap = Gap("descriptors", reason, f"make the bundle with --pid {named[0]}")
        evidence = replace(evidence, descriptors=gap, borrowed=replace(gap, section="borrowed"))
    if options.purpose == "restore":
        files = Gap("files", "the files that the images need were not looked for")
        evidence = replace(evidence, files=files, target=_restore(_images(recorded), None))
    return evidence, scope


def _part(
    options: argparse.Namespace, evidence: Evidence, named: Sequence[int], *, recorded: bool
) -> tuple[Evidence, Scope]:
    """The scope that the options name, which is the target of a dump."""
    from workbench.collect.processes import tree

    pids = () if isinstance(evidence.processes, Gap) else tree(evidence.processes, named)
    scope = scope_of(options, evidence, pids, recorded=recorded)
    if options.purpose == "dump" and pids:
        others = len(pids) - 1
        title = f"{scope.title} and {others} more" if others else scope.title
        evidence = replace(evidence, target=Target("dump", title, frozenset(pids)))
    return evidence, scope


def _images(files: Evidence) -> ImageDirectory:
    if isinstance(files.images, Gap):
        raise WorkbenchError("nothing of what was named holds images", "add an image directory")
    return files.images[0]


def _restore(images: ImageDirectory, netns: int | None) -> Target:
    return Target("restore", images.path, images=images.path, netns=netns)


def _criu() -> CriuTool | None:
    from workbench.criu.find import find_criu

    found = find_criu()
    return found if isinstance(found, CriuTool) else None
