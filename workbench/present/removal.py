"""A removal of leftover locks in words: what goes and whose it is, what stays and why, and what was done."""

from collections.abc import Iterator, Sequence

from workbench.evidence.lock_map import LockUse
from workbench.operation.removal import Kept, Removal, RemovalPlan, Removed
from workbench.present.line import Line, Tone, heading, line, plain_lines
from workbench.present.locks import lock_owner, lock_sentence
from workbench.present.text import printable
from workbench.present.units import count

_SHOWN = 3


def removal_lines(plan: RemovalPlan) -> list[str]:
    """The plan as plain text, one printable line each, of any length."""
    return plain_lines(removal_text(plan))


def removal_text(plan: RemovalPlan) -> Iterator[Line]:
    """The plan with its tones."""
    if plan.removals:
        yield heading(f"Remove {count(len(plan.removals), 'lock')}")
        for each in plan.removals:
            yield from _removal(each)
        yield line()
        yield heading("Commands")
        for command in plan.commands:
            yield from (line(printable(text)) for text in command.splitlines())
    else:
        yield line(("No leftover lock that could be removed.", Tone.STRONG))
    if plan.kept:
        yield line()
        yield heading(f"Left alone: {count(len(plan.kept), 'lock')}")
        for kept in plan.kept:
            yield from _kept(kept, even_if_needed=plan.even_if_needed)
    for gap in plan.gaps:
        remedy = f"; {gap.remedy}" if gap.remedy else ""
        yield line(("  ! ", Tone.WARNING), (printable(f"{gap.section}: {gap.reason}{remedy}"), Tone.WARNING))


def removed_lines(done: Removed, remaining: Sequence[Kept], *, unseen: bool = False) -> Iterator[str]:
    """What was done, and what remains on the host; ``unseen``: that could not be read everywhere."""
    for connection in done.woken:
        yield printable(f"Taken out of repair mode: {connection}")
    for lock in done.lifted:
        yield printable(f"Removed: {lock.backend} {lock.name}")
    for lock, reason in done.failed:
        yield printable(f"Still there: {lock.backend} {lock.name}: {reason}")
    if not remaining:
        yield "No lock of CRIU's is seen any more." if unseen else "No lock of CRIU's remains."
    for kept in remaining:
        yield printable(f"Remains: {lock_sentence(kept.use)}, {_held(kept.use)}: {kept.reason}")


def _removal(each: Removal) -> Iterator[Line]:
    use = each.use
    yield line(("  x ", Tone.LOCK), (lock_sentence(use), Tone.LOCK))
    space = each.namespace
    where = "the host's network namespace" if space.is_host else f"network namespace {(*space.names, space.path)[0]}"
    yield line("    ", printable(f"in {where}, {_held(use)}"))
    yield line("    ", (printable(use.sentence), Tone.DIM))
    for socket in each.stuck:
        owner = f"{socket.command} {socket.pid}"
        yield line(
            "    ",
            printable(f"before that repair mode of {socket.connection} is turned off; {owner} is stopped meanwhile"),
        )
    if each.loses:
        yield line(("    ! ", Tone.BAD), (printable(each.loses), Tone.BAD))


def _held(use: LockUse) -> str:
    held = ", ".join(map(str, use.connections[:_SHOWN]))
    more = f" and {len(use.connections) - _SHOWN} more" if use.connections[_SHOWN:] else ""
    owner = lock_owner(use)
    return f"holds back {held or 'everything'}{more}{'' if owner == '-' else f' of {owner}'}"


def _kept(kept: Kept, *, even_if_needed: bool) -> Iterator[Line]:
    yield line("  - ", (lock_sentence(kept.use), Tone.DIM))
    yield line("    ", printable(_held(kept.use)))
    yield line("    ", printable(kept.reason))
    if kept.loses and not even_if_needed:
        command = f"workbench locks --remove {_name(kept.use)} --even-if-needed"
        yield line("    ", (printable(f"`{command}` removes it all the same. {kept.loses}"), Tone.WARNING))


def _name(use: LockUse) -> str:
    """As the command line takes it."""
    if use.lock.name.startswith("CRIU") or not use.lock.connections:
        return use.lock.name
    connection = use.lock.connections[0]
    return f"{connection.local}-{connection.peer}"
