"""A hand-off as lines and as a document, before and after."""

import shlex
import shutil
from dataclasses import asdict
from pathlib import Path

from workbench.operation.handoff.plan import HandoffPlan, HandoffRequest
from workbench.operation.handoff.result import Handed
from workbench.present.text import printable

Document = dict[str, object]


def handoff_request(pid: int, fd: int, answer: str) -> HandoffRequest:
    """What a person answers who is asked where to: a path that is a unix socket, or else a command."""
    if Path(answer).is_socket() or (" " not in answer and not shutil.which(answer)):
        return HandoffRequest(pid=pid, fd=fd, to=answer)
    try:
        words = tuple(shlex.split(answer))
    except ValueError:  # a quote that is not closed
        words = (answer,)
    return HandoffRequest(pid=pid, fd=fd, command=words)


def plan_lines(plan: HandoffPlan) -> list[str]:
    """The plan as a person reads it; every line printable."""
    lines = [plan.title]
    if plan.target is not None and (plan.moves or plan.saved is not None):
        lines.append(f"  namespace  {plan.target.path}")
    lines += [f"  holder     {each.command} {each.pid} fd {each.fd}" for each in plan.holders]
    lines += [f"  note       {each}" for each in plan.notes]
    lines += [f"  warning    {each}" for each in plan.warnings]
    lines += [f"  OBSTACLE   {each}" for each in plan.obstacles]
    return [printable(line) for line in lines]


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
