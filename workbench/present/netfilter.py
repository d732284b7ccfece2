"""The list of netfilter rules: CRIU's locks first with all that belongs to them, then everybody's rules."""

from collections.abc import Iterator

from workbench.evidence import Gap, Rule
from workbench.evidence.lock_map import LockUse
from workbench.present.findings import mark
from workbench.present.line import Line, Tone, heading, line
from workbench.present.locks import lock_owner, lock_sentence
from workbench.present.situation import Situation
from workbench.present.table import Column, Row, Table, make_table, unreadable
from workbench.present.text import printable
from workbench.present.units import byte_size, count, duration
from workbench.present.words import HURTING, LOCK_SHORT

COLUMNS = (
    Column("lock", "LOCK", "l", 7, 7),
    Column("netns", "NETNS", "n", 4, 14, leaves=3, keep_end=True),
    Column("backend", "BACKEND", "b", 12, 15, leaves=4),
    Column("table", "TABLE", "t", 6, 24, leaves=2),
    Column("chain", "CHAIN", "c", 6, 16, leaves=1),
    Column("packets", "PKTS", "p", 4, 8, right=True),
    Column("age", "AGE", "a", 4, 12, leaves=5, right=True),
    Column("owner", "OWNER", "o", 8, 26, leaves=6),
    Column("rule", "RULE", "r", 32, 400),
)

_MARK = "0xc114"


def netfilter_table(situation: Situation) -> Table:
    """Locks, each followed by its rules, then rules that touch CRIU's traffic, then all others in their order."""
    rules = situation.evidence.rules
    if isinstance(rules, Gap):
        return unreadable(COLUMNS, rules)
    rows: list[Row] = []
    of_locks: set[int] = set()
    for number, use in enumerate(situation.lock_uses):
        rows.append(_lock_row(use, situation, number))
        for position, rule in enumerate(use.lock.rules):
            of_locks.add(id(rule))
            rows.append(_rule_row(rule, situation, use, (number, position)))
    others = [rule for rule in rules if id(rule) not in of_locks]
    others.sort(key=lambda rule: not touches_criu(rule))
    rows += [_rule_row(rule, situation, None, (len(situation.lock_uses), place)) for place, rule in enumerate(others)]
    return make_table(COLUMNS, rows, "There is no netfilter rule in any namespace.")


def touches_criu(rule: Rule) -> bool:
    """Somebody else's rule that looks at the mark that CRIU's own packets bear, or bears its name."""
    return _MARK in rule.text.lower() or "CRIU" in rule.text or rule.chain == "CRIU" or rule.table.startswith("CRIU-")


def netfilter_detail(subject: Rule | LockUse, situation: Situation) -> list[Line]:
    """A lock with its connections and sockets, or one rule in full."""
    return [*(_lock_detail(subject, situation) if isinstance(subject, LockUse) else _rule_detail(subject, situation))]


def _lock_row(use: LockUse, situation: Situation, number: int) -> Row:
    lock = use.lock
    connections = ", ".join(f"{each.local} <-> {each.peer}" for each in use.connections[:3])
    more = f" and {len(use.connections) - 3} more" if len(use.connections) > 3 else ""
    what = printable(f"{connections}{more}" if connections else "everything in this namespace")
    age = _age(use, situation)
    owner = lock_owner(use)
    netns = situation.namespace_name(lock.netns)
    cells = (
        LOCK_SHORT[use.status],
        netns,
        lock.backend.value,
        printable(lock.table),
        "both" if len(lock.directions) == 2 else "".join(lock.directions) or "-",
        "-" if lock.packets is None else str(lock.packets),
        "" if age is None else duration(age),
        "" if owner == "-" else owner,
        what,
    )
    order = (
        (0, use.status),
        netns,
        lock.backend,
        lock.table,
        "",
        -1 if lock.packets is None else lock.packets,
        -1 if age is None else age,
        owner,
        (number, -1),
    )
    tone = Tone.BAD if use.status in HURTING else Tone.LOCK
    key = lock.identity
    tones = (tone,) + (Tone.LOCK,) * (len(COLUMNS) - 1)
    return Row(key, cells, order, use, tones, mark(situation.judgement.concerning(use)))


def _rule_row(rule: Rule, situation: Situation, use: LockUse | None, place: tuple[int, int]) -> Row:
    marked = touches_criu(rule)
    netns = situation.namespace_name(rule.netns)
    family = "" if rule.family in {"ip", "inet"} else f"{rule.family} "
    cells = (
        "  ." if use else "mark" if marked else "",
        netns,
        rule.backend.value,
        printable(f"{family}{rule.table}"),
        printable(rule.chain),
        "-" if rule.packets is None else str(rule.packets),
        "",
        "",
        printable(("  " if use else "") + rule.text),
    )
    order = (
        (0, use.status) if use else (1 if marked else 2, ""),
        netns,
        rule.backend,
        rule.table,
        rule.chain,
        -1 if rule.packets is None else rule.packets,
        -1,
        cells[7],
        place,
    )
    tone = Tone.DIM if use else Tone.WARNING if marked else Tone.NORMAL
    key = (rule.netns, rule.backend, rule.family, rule.table, rule.chain, rule.handle or rule.position, rule.text)
    dim = Tone.DIM if tone is Tone.NORMAL else tone
    tones = (tone, dim, dim, dim, dim, tone, dim, tone, tone)
    return Row(key, cells, order, rule, tones, mark(situation.judgement.concerning(rule)))


def _age(use: LockUse, situation: Situation) -> float | None:
    """Since the operation began, or since its images were written: the kernel keeps no age of a rule."""
    since = use.operation.started if use.operation else use.image.modified if use.image else None
    return None if not since else max(situation.evidence.taken - since, 0)


def _lock_detail(use: LockUse, situation: Situation) -> Iterator[Line]:
    yield line((lock_sentence(use), Tone.STRONG))
    yield line(
        (f"{LOCK_SHORT[use.status]}: ", Tone.LOCK),
        (printable(use.sentence), Tone.BAD if use.status in HURTING else Tone.LOCK),
    )
    if use.advice:
        yield line(("do     ", Tone.DIM), printable(use.advice))
    yield line(("of     ", Tone.DIM), lock_owner(use))
    if use.image:
        tasks, sockets = (
            count(len(use.image.tasks), "process", "processes"),
            count(len(use.image.sockets), "TCP socket"),
        )
        size = byte_size(use.image.size_bytes)
        yield line(("images ", Tone.DIM), printable(f"{use.image.path}: {tasks}, {sockets}, {size}"))
    age = _age(use, situation)
    if age is not None:
        source = "the operation began" if use.operation else "its images were written"
        yield line(("age    ", Tone.DIM), f"{duration(age)} since {source}; the kernel keeps no age of rules")
    if use.connections:
        yield heading(f"{count(len(use.connections), 'connection')} held back")
        yield from (line(f"  {printable(str(connection))}") for connection in use.connections[:100])
    yield heading(count(len(use.lock.rules), "rule"))
    yield from (line(f"  {printable(f'{rule.chain} {rule.text}')}") for rule in use.lock.rules[:100])


def _rule_detail(rule: Rule, situation: Situation) -> Iterator[Line]:
    yield line((printable(rule.text), Tone.STRONG))
    where = f"{rule.backend} {rule.family} {rule.table} {rule.chain}, position {rule.position}"
    handle = "" if rule.handle is None else f", handle {rule.handle}"
    yield line(("in     ", Tone.DIM), printable(f"{where}{handle}, netns {situation.namespace_name(rule.netns)}"))
    if rule.hook:
        yield line(("hook   ", Tone.DIM), printable(f"{rule.hook}, priority {rule.priority}"))
    if rule.packets is not None:
        yield line(("seen   ", Tone.DIM), f"{count(rule.packets, 'packet')}, {byte_size(rule.bytes)}")
    if touches_criu(rule):
        yield line(("looks at CRIU's mark or bears its name", Tone.WARNING))
