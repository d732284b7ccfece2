"""A plan in full, as lines of text."""

import shlex
from collections.abc import Iterator, Sequence

from workbench.operation.plan import Plan, SocketFate
from workbench.operation.request import DumpRequest, Hold
from workbench.present.line import Line, Tone, heading, line, plain_lines
from workbench.present.text import printable
from workbench.present.units import byte_size, count, milliseconds

MOST_ADVICE = 10
HOLD_WORDS = {
    Hold.FROZEN: "when every process is stopped, before any connection is locked",
    Hold.IMAGES_COMPLETE: "when the images are complete and the connections locked, before the processes end or run on",
    Hold.RESTORED: "when the processes are restored, before the connections are unlocked",
}
"""Where an operation waits for an answer."""


def plan_lines(plan: Plan) -> list[str]:
    """The plan as plain text, one printable line each, of any length."""
    return plain_lines(plan_text(plan))


def plan_text(plan: Plan) -> list[Line]:
    """The plan with its tones: what stops it first, then what happens to whom, at what cost, and how to undo it."""
    judged = judgement_text(plan.obstacles, plan.warnings, plan.notes)
    parts = [_title(plan), judged, _processes(plan), _sockets(plan), _policies(plan)]
    if plan.command:
        parts += (_course(plan), _command(plan))
    return [each for part in parts for each in part]


def command_line(plan: Plan) -> str:
    """The command of the plan as it could be typed into a shell; printable."""
    return printable(shlex.join(plan.command))


def _title(plan: Plan) -> Iterator[Line]:
    yield line((printable(plan.title), Tone.STRONG))


def judgement_text(obstacles: Sequence[str], warnings: Sequence[str], notes: Sequence[str]) -> Iterator[Line]:
    """What stands in the way of a plan, then what may, then what is good to know."""
    listed = (
        ("Cannot be done", "x", Tone.BAD, obstacles),
        ("Think of", "!", Tone.WARNING, warnings),
        ("Worth knowing", "-", Tone.NORMAL, notes),
    )
    for title, mark, tone, sentences in listed:
        if sentences:
            yield from (line(), heading(title))
            for sentence in sentences:
                yield line((f"  {mark} ", tone), (printable(sentence), tone))


def _processes(plan: Plan) -> Iterator[Line]:
    if plan.processes:
        yield from (line(), heading(count(len(plan.processes), "Process", "Processes")))
        yield from (line("  ", printable(process)) for process in plan.processes)


def _sockets(plan: Plan) -> Iterator[Line]:
    if plan.sockets:
        yield from (line(), heading(count(len(plan.sockets), "Socket")))
        for socket in plan.sockets:
            tone = _tone(socket)
            mark = {Tone.BAD: "x", Tone.WARNING: "!"}.get(tone, " ")
            yield line((f"{mark} ", tone), printable(socket.title))
            yield line("    ", (printable(socket.fate), Tone.DIM if tone is Tone.NORMAL else tone))


def _policies(plan: Plan) -> Iterator[Line]:
    """Which policy fits, where it is not the one that was chosen; what closing costs."""
    chosen = getattr(plan.request, "policy", None)
    other = [each for each in plan.advice if each.policy is not chosen]
    if other:
        yield from (line(), heading("Policies that would fit better"))
        for advice in other[:MOST_ADVICE]:
            yield line("  ", printable(f"{advice.connection}  {advice.policy}"))
            yield line("    ", (printable(f"{advice.place}: {advice.why}"), Tone.DIM))
        if other[MOST_ADVICE:]:
            yield line(f"  and {len(other) - MOST_ADVICE} more")
    if plan.closings:
        yield from (line(), heading("What closing costs"))
        for each in plan.closings[:MOST_ADVICE]:
            yield line("  ", printable(f"{each.connection}  the peer sees {each.peer_sees}: {each.why}"))
            lost = f"here {each.unread} unread and {each.unacknowledged} unacknowledged"
            there = "" if each.peer_unacknowledged is None else f", at the peer {each.peer_unacknowledged} of its own"
            yield line("    ", (f"bytes lost: {lost}{there}; the restored program sees {each.program_sees}", Tone.DIM))
        if plan.closings[MOST_ADVICE:]:
            yield line(f"  and {len(plan.closings) - MOST_ADVICE} more")


def _tone(socket: SocketFate) -> Tone:
    if socket.blocks:
        return Tone.BAD
    return Tone.WARNING if socket.warning else Tone.NORMAL


def _course(plan: Plan) -> Iterator[Line]:
    request = plan.request
    yield from (line(), heading("How"))
    if isinstance(request, DumpRequest):
        lock = (
            "none: whoever sends meanwhile is answered with a reset" if request.lock == "skip" else request.lock.value
        )
        if plan.lock_cost_ms is not None:
            lock += f", about {milliseconds(plan.lock_cost_ms)} to set and lift"
        elif request.lock != "skip":
            lock = "none: no connection is kept"
        yield line("  network lock  ", printable(lock))
        yield line("  connections   ", "kept alive" if request.policy == "keep" else "closed")
        yield line("  afterwards    ", "the processes run on" if request.leave_running else "the processes end")
    if request.keep_peer and plan.connections:
        yield line("  peers         ", "answered until their connections are unlocked, by a process that outlives this")
    free = "" if plan.space_free_bytes is None else f", {byte_size(plan.space_free_bytes)} free"
    used = "needs about" if plan.kind == "dump" else "has"
    yield line("  images        ", printable(request.images), f"   {used} {byte_size(plan.space_bytes)}{free}")
    for hold in (hold for hold in Hold if hold in request.holds):
        yield line("  held          ", HOLD_WORDS[hold])
    yield line("  undo          ", printable(plan.undo))


def _command(plan: Plan) -> Iterator[Line]:
    yield from (line(), heading("The same, typed"))
    yield line("  ", command_line(plan))
