"""Two moments, directories or hosts side by side, as lines."""

from collections.abc import Iterator, Sequence

from workbench.evidence.comparison import Change, Comparison, Pair, Relation
from workbench.evidence.ends import End
from workbench.present.line import Line, Tone, heading, line
from workbench.present.text import printable
from workbench.present.units import count

_LISTED = 20
"""Sockets of one side alone that are listed."""
_RULES = 100
_LABEL = 15


def comparison_lines(found: Comparison, first: str, second: str, *, everything: bool = False) -> Iterator[Line]:
    """What does not fit first; pairs without a difference only with ``everything``."""
    yield line(("first   ", Tone.DIM), (printable(first), Tone.STRONG))
    yield line(("second  ", Tone.DIM), (printable(second), Tone.STRONG))
    yield line(summary(found))
    ordered = sorted(found.pairs, key=lambda pair: (not pair.misfits, not pair.changes))
    for pair in ordered:
        if everything or pair.changes or pair.misfits:
            yield line()
            yield from _pair(pair)
    for ends, which in ((found.only_first, "first"), (found.only_second, "second")):
        if ends:
            yield line()
            yield heading(f"Only in the {which}")
            yield from _alone(ends)
    if found.rules:
        yield line()
        yield heading("Rules and locks")
        for change in found.rules[:_RULES]:
            yield from _change(change)
        if len(found.rules) > _RULES:
            yield line((f"  and {len(found.rules) - _RULES} more", Tone.DIM))


def summary(found: Comparison) -> str:
    """The whole in one sentence."""
    same = sum(pair.relation is Relation.SAME for pair in found.pairs)
    both = sum(pair.relation is Relation.OTHER for pair in found.pairs)
    changed = sum(bool(pair.changes) for pair in found.pairs)
    parts = [f"{count(same, 'socket')} in both"]
    parts += [f"{count(both, 'connection')} with both ends"] if both else []
    parts += [
        f"{changed} changed",
        f"{len(found.only_first)} only in the first",
        f"{len(found.only_second)} only in the second",
    ]
    if found.rules_compared:
        parts.append(f"{count(len(found.rules), 'difference')} in the rules")
    fits = f"{count(found.misfits, 'thing')} {'does' if found.misfits == 1 else 'do'} not fit together"
    return f"{', '.join(parts)}; {fits if found.misfits else 'everything fits together'}."


def _pair(pair: Pair) -> Iterator[Line]:
    relation = {
        Relation.SAME: "",
        Relation.OTHER: "  both ends",
        Relation.DESCRIPTOR: "  same process and descriptor",
    }[pair.relation]
    state = pair.first.state.name if pair.first.state is pair.second.state else ""
    yield line(
        (printable(_name(pair.first)), Tone.STRONG),
        (printable(f"  {state or ''}  {pair.first.owner}{relation}".replace("    ", "  ")), Tone.DIM),
    )
    for misfit in pair.misfits:
        yield line(("  ! ", Tone.BAD), (printable(misfit), Tone.BAD))
    for change in pair.changes:
        yield from _change(change)


def _change(change: Change) -> Iterator[Line]:
    label = printable(change.what)
    values = f"{printable(change.before)} -> {printable(change.after)}"
    if not change.before or not change.after:
        values = f"new: {printable(change.after)}" if change.after else f"gone: {printable(change.before)}"
    meaning = (f"  {printable(change.meaning)}", Tone.NORMAL)
    yield line((f"  {label:{_LABEL}}  ", Tone.HEADING), (values, Tone.DIM if change.meaning else Tone.NORMAL), meaning)


def _alone(ends: Sequence[End]) -> Iterator[Line]:
    for end in ends[:_LISTED]:
        yield line(f"  {end.state.name:12} {printable(_name(end))}", (printable(f"  {end.owner}"), Tone.DIM))
    if len(ends) > _LISTED:
        yield line((f"  and {len(ends) - _LISTED} more", Tone.DIM))


def _name(end: End) -> str:
    return str(end.connection) if end.connection.peer.port else str(end.connection.local)
