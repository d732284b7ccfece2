"""Plans made from a look at this host: what a front end asks for."""

import os
from collections.abc import Callable
from dataclasses import replace

from workbench.collect.live import LiveSource
from workbench.collect.namespaces import collect_namespaces
from workbench.criu.find import find_criu
from workbench.errors import WorkbenchError
from workbench.evidence import CriuTool, Evidence, Gap, ImageDirectory, NetworkNamespace, UnfinishedOperation
from workbench.operation import plan_dump as dumping
from workbench.operation import plan_restore as restoring
from workbench.operation.container import container_at
from workbench.operation.journal import boot_id, unfinished
from workbench.operation.note import Note, read_note
from workbench.operation.place import look_at
from workbench.operation.plan import Plan
from workbench.operation.plan_dump import plan_dump
from workbench.operation.plan_restore import plan_restore
from workbench.operation.request import DumpRequest, RestoreRequest
from workbench.read.criu_images import read_image_directory


def prepare_dump(request: DumpRequest) -> Plan:
    """Look at this host and plan the dump; some 100 ms. Never raises for what stands in the way: see ``obstacles``."""
    request = replace(request, container=container_at(request.pid))
    evidence = _look(dumping.SECTIONS, request.pid)
    return plan_dump(evidence, request, look_at(request.images), os.getpid())


def prepare_restore(request: RestoreRequest) -> Plan:
    """Look at the images and at this host and plan the restore; see ``prepare_dump``."""
    image: ImageDirectory | Gap
    try:
        image = read_image_directory(os.path.abspath(request.images))  # noqa: PTH100 - Path.resolve would follow links
    except WorkbenchError as error:
        image = Gap("images", error.message, error.hint)
    note = read_note(request.images)
    evidence = _look(restoring.SECTIONS)
    return plan_restore(evidence, image, request, note, find_namespace(request.netns, note))


def find_namespace(path: str | None, note: Note | None) -> NetworkNamespace | Gap | None:
    """The namespace to restore into: the one at ``path``, else the one of the note; None: the workbench's own.

    The note's namespace is recognised by its inode since the same boot, else by its path.
    """
    known, _ = collect_namespaces()
    if isinstance(known, Gap):
        return known if path or note else None
    if path is not None:
        try:
            inode = os.stat(path).st_ino  # noqa: PTH116 - a namespace file, not a path to walk
        except OSError as error:
            return Gap("namespaces", f"No network namespace at {path}: {error.strerror}", "name another with --netns")
        return next((each for each in known if each.inode == inode), NetworkNamespace(inode, path))
    if note is None:
        return None
    if note.boot_id == boot_id() and (found := next((each for each in known if each.inode == note.netns), None)):
        return found
    if not note.netns_path:
        return None
    if found := next((each for each in known if each.path == note.netns_path), None):
        return found
    return Gap(
        "namespaces",
        f"The network namespace that it was dumped in is gone ({note.netns_path})",
        "make one with its addresses and name it with --netns",
    )


def criu_tool() -> CriuTool | None:
    found = find_criu()
    return None if isinstance(found, Gap) else found


def _look(sections: frozenset[str], *trees: int) -> Evidence:
    waiting: Callable[[], tuple[UnfinishedOperation, ...] | Gap] = unfinished
    source = LiveSource(sections, trees=trees, criu=criu_tool, unfinished=waiting)
    try:
        return source.evidence()
    finally:
        source.close()
