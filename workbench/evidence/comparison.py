"""Two evidences side by side: what belongs together, what changed, and what does not fit together."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workbench.evidence.ends import End, ends
from workbench.evidence.evidence import Evidence
from workbench.evidence.gap import Gap
from workbench.evidence.netfilter import Lock, Rule
from workbench.evidence.sequences import Sequences, distance
from workbench.evidence.socket import TcpState

_WITHOUT_NUMBERS = frozenset({TcpState.SYN_SENT, TcpState.CLOSE, TcpState.LISTEN})
_AGREED = ("timestamps", "selective acknowledgements", "window scaling")
"""Options that both ends of a connection have, or neither."""


class Relation(StrEnum):
    """Why two sockets stand beside each other."""

    SAME = "same end"
    """The same addresses and ports: one end at two moments."""
    OTHER = "other end"
    """The two ends of one connection."""
    DESCRIPTOR = "same descriptor"
    """The same descriptor of the same process, on another connection than before."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs."""

    what: str
    before: str
    """Empty: it was not there. Likewise ``after``."""
    after: str
    meaning: str = ""
    """What the difference amounts to: ``12,345 bytes more acknowledged``; empty where the values say it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sockets that belong together."""

    relation: Relation
    first: End
    second: End
    changes: tuple[Change, ...]
    misfits: tuple[str, ...]
    """Why they cannot both be true, or cannot go on together; one sentence each."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that there is to say of two evidences."""

    pairs: tuple[Pair, ...]
    only_first: tuple[End, ...]
    only_second: tuple[End, ...]
    rules: tuple[Change, ...]
    """Rules and locks that came, went or counted; None was compared if one of the two has none to compare."""
    rules_compared: bool

    @property
    def misfits(self) -> int:
        return sum(len(pair.misfits) for pair in self.pairs)


def compare(first: Evidence, second: Evidence) -> Comparison:
    """Align by addresses and ports, then both ends of one connection, then by process and descriptor."""
    pairs: list[Pair] = []
    ones, others = list(ends(first)), list(ends(second))
    for relation, key, mirrored in (
        (Relation.SAME, _address, _address),
        (Relation.OTHER, _address, _reversed),
        (Relation.DESCRIPTOR, _descriptor, _descriptor),
    ):
        waiting: dict[Hashable, list[End]] = defaultdict(list)
        for end in reversed(others):
            if (place := mirrored(end)) is not None:
                waiting[place].append(end)
        taken: set[int] = set()
        left = []
        for end in ones:
            place = key(end)
            if place is not None and waiting.get(place):
                partner = waiting[place].pop()
                taken.add(id(partner))
                pairs.append(_pair(relation, end, partner))
            else:
                left.append(end)
        ones, others = left, [end for end in others if id(end) not in taken]
    compared = not isinstance(first.rules, Gap) and not isinstance(second.rules, Gap)
    return Comparison(tuple(pairs), tuple(ones), tuple(others), tuple(_rules(first, second)), compared)


def _address(end: End) -> Hashable:
    return end.connection


def _reversed(end: End) -> Hashable:
    return end.connection.reversed if end.connection.peer.port else None


def _descriptor(end: End) -> Hashable:
    return end.holders[0] if end.holders and end.holders[0][2] else None


def _pair(relation: Relation, first: End, second: End) -> Pair:
    changes: list[Change] = []
    misfits: list[str] = []
    if relation is not Relation.OTHER:
        if relation is Relation.DESCRIPTOR:
            changes.append(Change("connection", str(first.connection), str(second.connection)))
        if first.state is not second.state:
            changes.append(Change("state", first.state.name, second.state.name))
        if _held(first, second) != _held(second, first) and first.holders and second.holders:
            changes.append(Change("process", first.owner, second.owner))
        if first.timer != second.timer and "sockets" == first.source == second.source:
            changes.append(Change("timer", first.timer or "none", second.timer or "none"))
        if first.retransmits != second.retransmits:
            changes.append(Change("retransmissions", str(first.retransmits), str(second.retransmits)))
        changes += _values(first.queues, second.queues)
        changes += _values(first.options, second.options)
    if _have_numbers(first, second) and first.sequences and second.sequences:
        if relation is Relation.SAME:
            forward, backward = _progress(first.sequences, second.sequences)
            changes += forward
            misfits += backward
        elif relation is Relation.OTHER:
            misfits += _step(first.sequences, second.sequences, "the second", "the first")
            misfits += _step(second.sequences, first.sequences, "the first", "the second")
            changes += _in_flight(first.sequences, second.sequences)
    if relation is Relation.OTHER:
        misfits += _disagreements(first, second)
        if first.state is not second.state:
            changes.append(Change("state of each end", first.state.name, second.state.name))
    return Pair(relation, first, second, tuple(changes), tuple(misfits))


def _held(end: End, other: End) -> set[tuple[object, ...]]:
    """Who has it open; pids of an image are those of the container's own pid namespace, and are not compared."""
    alike = end.source == other.source == "sockets"
    return {(pid if alike else None, fd, command) for pid, fd, command in end.holders}


def _have_numbers(first: End, second: End) -> bool:
    return not {first.state, second.state} & _WITHOUT_NUMBERS


def _values(first: Mapping[str, int | str], second: Mapping[str, int | str]) -> Iterator[Change]:
    """What both sources tell, and tell differently."""
    for name in first:
        if name in second and first[name] != second[name]:
            yield Change(name, str(first[name]), str(second[name]))


_NUMBERS = (
    ("snd_una", "acknowledged by the peer"),
    ("snd_nxt", "sent"),
    ("write_seq", "written by the program"),
    ("rcv_nxt", "received"),
    ("copied_seq", "read by the program"),
)


def _progress(first: Sequences, second: Sequences) -> tuple[list[Change], list[str]]:
    """Numbers only grow, modulo 2^32 (RFC 9293, 3.4): what went on, and what went back."""
    changes, back = [], []
    for name, meaning in _NUMBERS:
        before, after = getattr(first, name), getattr(second, name)
        bytes_ = distance(before, after)
        if bytes_:
            wraps = ", past 2^32" if (bytes_ > 0) != (after > before) else ""
            said = (
                f"{abs(bytes_):,} byte{'' if abs(bytes_) == 1 else 's'} {'more' if bytes_ > 0 else 'fewer'} {meaning}"
            )
            changes.append(Change(name, str(before), str(after), said + wraps))
        if bytes_ < 0:
            back.append(name)
    forward = any(distance(getattr(first, name), getattr(second, name)) > 0 for name, _ in _NUMBERS)
    if back and forward:
        return changes, [
            f"{' and '.join(back)} went back while others went on: these are not two moments of one socket"
        ]
    if back:
        return changes, ["every number that differs went back: the second is the older moment"]
    for name in ("snd_wnd", "rcv_wnd"):
        before, after = getattr(first, name), getattr(second, name)
        if before is not None and after is not None and before != after:
            changes.append(Change(name, str(before), str(after)))
    return changes, []


def _step(sender: Sequences, receiver: Sequences, who: str, other: str) -> Iterator[str]:
    """Whether what one end expects is what the other still has: snd_una <= rcv_nxt <= snd_nxt."""
    ahead = distance(sender.snd_nxt, receiver.rcv_nxt)
    behind = distance(receiver.rcv_nxt, sender.snd_una)
    if ahead > 0:
        yield (
            f"rcv_nxt {receiver.rcv_nxt} of {who} is {ahead:,} beyond snd_nxt {sender.snd_nxt} of {other}: "
            f"{other} has not sent these bytes yet, it is older than its peer"
        )
    elif behind > 0:
        yield (
            f"rcv_nxt {receiver.rcv_nxt} of {who} is {behind:,} before snd_una {sender.snd_una} of {other}: "
            f"{other} has forgotten these bytes as acknowledged, {who} is older than its peer"
        )


def _in_flight(first: Sequences, second: Sequences) -> Iterator[Change]:
    """Bytes that one end has sent and the other has not received."""
    for sender, receiver, what in ((first, second, "first to second"), (second, first, "second to first")):
        bytes_ = distance(receiver.rcv_nxt, sender.snd_nxt)
        if bytes_ > 0:
            meaning = f"{bytes_:,} byte{'' if bytes_ == 1 else 's'} on the way, or lost and to be sent again"
            yield Change(f"in flight, {what}", f"snd_nxt {sender.snd_nxt}", f"rcv_nxt {receiver.rcv_nxt}", meaning)


def _disagreements(first: End, second: End) -> Iterator[str]:
    for name in _AGREED:
        one, other = first.options.get(name), second.options.get(name)
        if one is not None and other is not None and one != other:
            yield f"{name}: {one} at the first, {other} at the second"
    for sender, receiver, who in ((first, second, "first"), (second, first, "second")):
        used, made = sender.options.get("window scale, sending"), receiver.options.get("window scale, receiving")
        if used is not None and made is not None and used != made:
            yield f"the {who} takes its peer's window for scaled by {used}, but the peer scales it by {made}"


def _rules(first: Evidence, second: Evidence) -> Iterator[Change]:
    if isinstance(first.rules, Gap) or isinstance(second.rules, Gap):
        return
    yield from _locks(() if isinstance(first.locks, Gap) else first.locks,
                      () if isinstance(second.locks, Gap) else second.locks)  # fmt: skip
    before, after = Counter(map(_identity, first.rules)), Counter(map(_identity, second.rules))
    for identity in before - after:
        yield Change("rule", _spoken(identity), "")
    for identity in after - before:
        yield Change("rule", "", _spoken(identity))
    counted = {_identity(rule): rule.packets for rule in first.rules if rule.packets is not None}
    for rule in second.rules:
        packets = counted.get(_identity(rule))
        if packets is not None and rule.packets is not None and packets != rule.packets:
            more = rule.packets - packets
            said = f"{more:,} more" if more > 0 else "counted from the beginning again"
            yield Change(f"packets of {_spoken(_identity(rule))}", str(packets), str(rule.packets), said)


def _locks(first: Iterable[Lock], second: Iterable[Lock]) -> Iterator[Change]:
    before, after = ({(str(lock.backend), lock.name) for lock in locks} for locks in (first, second))
    for backend, name in sorted(before - after):
        yield Change("lock of CRIU", f"{backend} {name}", "")
    for backend, name in sorted(after - before):
        yield Change("lock of CRIU", "", f"{backend} {name}")


def _identity(rule: Rule) -> tuple[str, ...]:
    """What a rule is apart from its place and counters; iptables' words for a policy differ by tool."""
    return str(rule.backend), rule.family, rule.table, rule.chain, rule.text


def _spoken(identity: tuple[str, ...]) -> str:
    backend, family, table, chain, text = identity
    return f"{backend} {family} {table} {chain}: {text}"
