"""A hand-off as lines and as a document, before and after."""

import shlex
from dataclasses import asdict, replace

from workbench.operation.handoff.plan import HandoffPlan, HandoffRequest
from workbench.operation.handoff.result import Handed
from workbench.present.line import Line, Tone, heading, line, plain_lines
from workbench.present.options import Choice
from workbench.present.plan import judgement_text
from workbench.present.text import printable

Document = dict[str, object]


GOALS = Choice(
    "goal",
    "To",
    (
        ("to", "who waits", "A process that waits for it at a unix socket, as docs/handoff.md says."),
        ("command", "a program", "Started for it: the connection is its descriptor 3, LISTEN_FDS=1."),
        ("keep", "a file", "Nobody has it until it is handed on from there (r on Checkpoints); its peer waits."),
    ),
    frozenset({"to"}),
)
WHERE = {
    "to": "Unix socket at which it waits",
    "command": "Command, started without a shell",
    "keep": "File, made for it",
}
"""What is asked for each goal."""
ADDRESS = Choice(
    "address",
    "Its address",
    (
        ("stays", "stays", "The other namespace has the address already, or it goes to none."),
        ("moves", "moves along", "Taken from its interface, given to one of the other namespace, announced there."),
    ),
    frozenset({"stays"}),
)


def handoff_request(
    request: HandoffRequest, goal: str, where: str, netns: str, *, move_address: bool
) -> HandoffRequest:
    """A request that names the connection, with what a person has answered; ``goal`` is one of ``GOALS``."""
    words: tuple[str, ...] = ()
    if goal == "command":
        try:
            words = tuple(shlex.split(where))
        except ValueError:  # a quote that is not closed
            words = (where,)
    return replace(
        request,
        to=where if goal == "to" else "",
        command=words,
        keep=where if goal == "keep" else "",
        netns=netns or None,
        move_address=move_address,
    )


def plan_lines(plan: HandoffPlan) -> list[str]:
    """The plan as plain text, one printable line each, of any length."""
    return plain_lines(plan_text(plan))


def plan_text(plan: HandoffPlan) -> list[Line]:
    """The plan with its tones: what stops it first."""
    lines = [line((printable(plan.title), Tone.STRONG))]
    lines += judgement_text(plan.obstacles, plan.warnings, plan.notes)
    if plan.holders:
        lines += [line(), heading("Who has it")]
        lines += [line("  ", printable(f"{each.command} {each.pid} fd {each.fd}")) for each in plan.holders]
    if plan.target is not None and (plan.moves or plan.saved is not None):
        lines += [line(), heading("Where it goes on"), line("  network namespace ", printable(plan.target.path))]
    if not plan.obstacles:
        lines += [line(), heading("The same, typed"), line("  ", printable(shlex.join(typed(plan.request))))]
    return lines


def typed(request: HandoffRequest) -> list[str]:
    """The command that asks for the same."""
    words = ["workbench", "handoff"]
    if request.state_file:
        words += ["--from", request.state_file]
    elif request.pid:
        words += [str(request.pid), str(request.fd)]
    else:
        words += ["--connection", f"{request.connection.local}-{request.connection.peer}"] if request.connection else []
    given = (("--to", request.to), ("-o", request.keep), ("--to-netns", request.netns))
    words += [word for flag, value in given if value for word in (flag, value)]
    words += ["--move-address"] if request.move_address else []
    return [*words, *(("--command", *request.command) if request.command else ())]


def handed_lines(handed: Handed) -> list[str]:
    """What came of it."""
    lines = [f"{handed.connection}: {handed.outcome.value}", f"  {handed.sentence}"]
    if handed.frozen_ms is not None:
        locked = "still locked" if handed.locked_ms is None else f"locked for {handed.locked_ms:.1f} ms"
        lines.append(f"  old owner stood still for {handed.frozen_ms:.1f} ms, {locked}")
    elif handed.locked_ms is not None:
        lines.append(f"  locked for {handed.locked_ms:.1f} ms by this hand-off")
    if handed.laps:
        lines.append("  " + ", ".join(f"{name} {ms:.1f}" for name, ms in handed.laps) + " ms")
    if handed.bytes_compared:
        lines.append(f"  {handed.bytes_compared} bytes of its queues read back and found the same")
    if handed.file:
        lines.append(f"  state in {handed.file}")
    return [printable(line) for line in lines]


def plan_document(plan: HandoffPlan) -> Document:
    """The plan as JSON."""
    return {
        "schema": 1,
        "kind": "handoff",
        "title": printable(plan.title),
        "possible": not plan.obstacles,
        "obstacles": [printable(each) for each in plan.obstacles],
        "warnings": [printable(each) for each in plan.warnings],
        "notes": [printable(each) for each in plan.notes],
        "connection": str(plan.connection) if plan.connection else None,
        "state": plan.state.name if plan.state is not None else None,
        "holders": [asdict(each) | {"command": printable(each.command)} for each in plan.holders],
        "netns": plan.netns.inode if plan.netns else None,
        "target_netns": plan.target.inode if plan.target else None,
    }


def handed_document(handed: Handed) -> Document:
    """The result as JSON; times in milliseconds."""
    return {
        "schema": 1,
        "kind": "handoff",
        "outcome": handed.outcome.value,
        "sentence": printable(handed.sentence),
        "connection": str(handed.connection),
        "frozen_ms": _rounded(handed.frozen_ms),
        "locked_ms": _rounded(handed.locked_ms),
        "laps_ms": {name: _rounded(ms) for name, ms in handed.laps},
        "bytes_compared": handed.bytes_compared,
        "answered": handed.answered,
        "recipient": handed.recipient,
        "file": printable(handed.file) or None,
        "journal": printable(handed.journal),
    }


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)
