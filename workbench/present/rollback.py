"""Generations of a process as lines, and the questions before a roll-back to one of them."""

import time
from collections.abc import Sequence

from workbench.operation.request import Policy, RollbackRequest
from workbench.operation.rollback.generation import Generation
from workbench.present.options import Answers, Choice
from workbench.present.text import printable
from workbench.present.units import byte_size, count, duration, milliseconds

MOST_OFFERED = 7
"""More do not fit beside each other; the others can be gone back to from the command line."""
_POLICY = Choice(
    "policy",
    "Connections",
    (
        ("keep", "keep those inside", "With both ends in the tree they come back as they were; the others are reset."),
        ("close", "close all", "None comes back: the program finds all of them closed, also those within its tree."),
    ),
    frozenset({"keep"}),
)


def generation_line(generation: Generation) -> str:
    """Whose it is, when it was taken and what there is of it; printable."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(generation.taken))
    which = f"{generation.command} {generation.pid}  generation {generation.number}  {when}"
    return printable(f"{which}  {generation_text(generation)}")


def generation_text(generation: Generation) -> str:
    """What there is of it and what it cost."""
    places = [name for name, place in (("memory", generation.memory), ("disk", generation.disk)) if place]
    stopped = "" if generation.stopped_ms is None else f", stood still {milliseconds(generation.stopped_ms)}"
    written = "" if generation.written_ms is None else f", on the disk after {milliseconds(generation.written_ms)}"
    where = f"{byte_size(generation.bytes)} in {' and '.join(places) or 'nowhere'}"
    return f"{where}, {count(generation.connections, 'connection')}{stopped}{written}"


def rollback_choices(known: Sequence[Generation], chosen: Generation, now: float) -> tuple[Choice, ...]:
    """To which generation, and what becomes of connections; ``now`` in seconds since the epoch."""
    newest = known[-MOST_OFFERED:]
    offered = newest if chosen in newest else (chosen, *newest[1:])
    answers = tuple(
        (
            str(each.number),
            str(each.number),
            f"Taken {duration(max(now - each.taken, 0))} ago; {generation_text(each)}.",
        )
        for each in offered
    )
    return (Choice("generation", "Generation", answers, frozenset({str(chosen.number)})), _POLICY)


def rollback_request(pid: int, answers: Answers) -> RollbackRequest:
    """The request that the answers stand for."""
    (number,), (policy,) = answers["generation"], answers["policy"]
    return RollbackRequest(pid, int(number), Policy(policy))
