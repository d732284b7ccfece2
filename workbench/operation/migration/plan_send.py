"""The plan of a migration, made by both halves: what the source finds, and what the destination answers."""

import ctypes
import mmap
import os
import platform
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from workbench import __version__
from workbench.collect import procfs
from workbench.collect.processes import tree as tree_of
from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.operation import plan_dump as dumping
from workbench.operation.in_memory import elsewhere, place_for
from workbench.operation.migration.channel import VERSION, ChannelClosed
from workbench.operation.migration.look import look
from workbench.operation.migration.offer import Offer, make_offer, source_obstacles, source_warnings
from workbench.operation.migration.transport import Transport
from workbench.operation.place import look_at
from workbench.operation.plan import Plan
from workbench.operation.plan_dump import plan_dump
from workbench.operation.request import DumpRequest
from workbench.present.text import printable

ANSWER_S = 60.0
"""Seconds that the destination may take to look around, or to log in to."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A process that is to move over a channel."""

    pid: int
    to: str
    """How a person calls the destination."""
    images: str = ""
    """Image directory at the source; empty: one in memory, which is removed at the end."""
    ahead: bool = True
    """Images travel while CRIU writes them; otherwise only when all are written."""


@dataclass(frozen=True, slots=True)
class SendPlan:
    """The dump that it begins with, and what the halves have told each other."""

    plan: Plan
    """With the obstacles and warnings of both."""
    request: SendRequest
    offer: Offer | None
    """None if there is nothing to offer: the plan's obstacles say why."""
    there: str = ""
    """Name of the destination's host, as it calls itself; printable."""


def prepare_send(request: SendRequest, way: Transport) -> SendPlan:
    """Look at this host, ask the destination, and plan. Never raises for what stands in the way: see ``obstacles``."""
    netns = procfs.link_inode(f"/proc/{request.pid}/ns/net", "net") or 0
    evidence = look(dumping.SECTIONS, netns, (request.pid,))
    processes = evidence.processes
    tree = [] if isinstance(processes, Gap) else [processes[pid] for pid in tree_of(processes, [request.pid])]
    memory = sum(each.rss_bytes or 0 for each in tree)
    images = request.images or str(place_for(f"send-{secrets.token_hex(8)}", 2 * memory))
    plan = plan_dump(evidence, DumpRequest(request.pid, images), look_at(images), os.getpid())
    if not tree or not plan.processes:
        return SendPlan(plan, request, None)
    offer = make_offer(evidence, tree, plan.connections, plan.options, plan.space_bytes)
    obstacles = [
        each if request.images else elsewhere(each)
        for each in plan.obstacles
        if not each.startswith("Its network namespace ends with it")
    ]  # it is not restored here
    obstacles += source_obstacles(offer, evidence, way.pids)
    there, theirs, warnings = _ask(offer, way)
    moved = ", ".join(each.address for each in offer.addresses) or "no address"
    title = plan.title.replace("Dump ", "Move ", 1)
    plan = replace(
        plan,
        command=("workbench", "migrate", "send", str(request.pid), *_flags(request), *way.typed),
        title=f"{title}; {moved} along, to {there or printable(request.to)}",
        undo="Until the process is handed over, turning back gives the address back, lifts the lock and lets it run on"
        " as before; afterwards it lives at the destination",
        obstacles=(*map(printable, obstacles), *theirs),
        warnings=(*plan.warnings, *map(printable, source_warnings(offer, evidence)), *warnings),
        notes=(*plan.notes, *_notes(offer, request)),
    )
    return SendPlan(plan, request, offer, there)


def _ask(offer: Offer, way: Transport) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The destination's name, its obstacles and its warnings."""
    try:
        way.channel.send(
            "offer", {"version": VERSION, "workbench": __version__, "host": platform.node(), **offer.record()}
        )
        answer = way.channel.receive(ANSWER_S)
        if answer["is"] != "answer" or answer["version"] != VERSION:
            return (
                "",
                ("The destination speaks another version of the migration's language: install the same there",),
                (),
            )
        there, obstacles, warnings = str(answer["host"]), list(answer["obstacles"]), list(answer["warnings"])
    except TimeoutError:
        return "", (f"The destination has not answered for {ANSWER_S:.0f} s",), ()
    except ChannelClosed as error:
        return "", (f"The destination cannot be asked: {way.complaint or error.message}",), ()
    except (KeyError, TypeError) as error:
        raise WorkbenchError("what came from the destination is not the language of the workbench") from error
    return printable(there), tuple(printable(str(each)) for each in obstacles), tuple(
        printable(str(each)) for each in warnings
    )  # fmt: skip


def _flags(request: SendRequest) -> tuple[str, ...]:
    images = ("-D", request.images) if request.images else ()
    return (*images, *(() if request.ahead else ("--after",)))


def _notes(offer: Offer, request: SendRequest) -> tuple[str, ...]:
    sent = "while CRIU writes them" if request.ahead else "when all of them are written"
    notes = [f"Images travel {sent}; the process ends here only when it is restored there"]
    if not _tracks_memory():
        notes.append(
            "No round of memory before the freeze: this kernel does not track what changes (CONFIG_MEM_SOFT_DIRTY)"
        )
    if offer.files:
        notes.append(f"{len(offer.files)} open or mapped files must be the same at the destination")
    return tuple(notes)


def _tracks_memory() -> bool:
    """Whether a page written to is told by bit 55 of its entry in pagemap (Documentation/admin-guide/mm/soft-dirty)."""
    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        page[0] = 1
        address = _address_of(page)
        try:
            with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
                pagemap.seek(address // mmap.PAGESIZE * 8)
                entry = int.from_bytes(pagemap.read(8), "little")
        except OSError:
            return False
    return bool(entry >> 55 & 1)


def _address_of(page: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(page))
