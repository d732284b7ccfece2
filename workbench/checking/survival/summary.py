"""A dump in a few sentences: what each part of the tree will meet, what CRIU must be told, and whom it concerns."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from workbench.checking.phrases import counted, listed
from workbench.checking.survival.freeze import Freeze, expected_freeze
from workbench.checking.survival.ledger import Account, accounts
from workbench.checking.survival.tree import verdicts as judge
from workbench.checking.survival.verdict import Answer, Verdict
from workbench.checking.survival.waiting import Wait, waits
from workbench.checking.survival.words import subject, what
from workbench.checking.targets import dumped, dumped_sockets
from workbench.evidence import (
    Connection,
    Endpoint,
    Evidence,
    Gap,
    Process,
    Socket,
    SocketTimer,
    Target,
    TcpState,
)
from workbench.evidence.socket_choice import other_ends

_SENDING = frozenset({SocketTimer.RTO, SocketTimer.KEEPALIVE, SocketTimer.PROBE})
"""Timers of a peer after which it sends something."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One process, socket or descriptor with everything that was judged of it."""

    title: str
    """Hostile."""
    answer: Answer
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A process that would share the fate of the whole network namespace."""

    pid: int
    command: str
    """Hostile, and empty if it is not known."""
    container: str
    """Name or short identifier; empty for none."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a preflight for a dump says besides its findings."""

    things: tuple[Thing, ...]
    options: tuple[str, ...]
    """That the dump and the restore must be given."""
    inside_tree: int
    """Connections whose other end is dumped, too."""
    on_this_host: int
    elsewhere: int
    ledger: tuple[Account, ...]
    """Connections with something in their queues."""
    listeners: tuple[Endpoint, ...]
    """Where new clients are refused between the dump and the restore: a lock covers connections only."""
    freeze: Freeze
    waits: tuple[tuple[Connection, Wait], ...]
    """How long the peers that are not dumped wait, the most impatient first."""
    resets: tuple[tuple[Connection, str], ...]
    """Connections whose peer is reset for sure if no lock stands, and by what; the others as soon as they send."""
    neighbours: tuple[Neighbour, ...]
    """Other processes in the tree's network namespaces, unless those are the host's: a CRIU that runs outside of a
    namespace locks the whole of it."""


def summarize(evidence: Evidence) -> Summary | Gap:
    """The summary of a dump's target; a Gap where there is none."""
    found = judge(evidence)
    if isinstance(found, Gap) or isinstance(evidence.target, Gap):
        return found if isinstance(found, Gap) else Gap("target", "nothing is to be dumped")
    target = evidence.target
    listed_sockets: Sequence[Socket] = () if isinstance(evidence.sockets, Gap) else evidence.sockets
    own = list(dumped_sockets(listed_sockets, target))
    kept = accounts(own, {} if isinstance(evidence.borrowed, Gap) else dict(evidence.borrowed))
    pids, connections = dumped(target), [each.socket for each in kept]
    inside, on_host = _ends([each.connection for each in connections], listed_sockets, target)
    waiting = waits(evidence, connections, pids)
    needed = (each.option for each in found if each.answer is Answer.NEEDS and each.option)
    return Summary(
        things=_things(found, evidence),
        options=tuple(dict.fromkeys(needed)),
        inside_tree=inside,
        on_this_host=on_host,
        elsewhere=len(kept) - inside - on_host,
        ledger=tuple(each for each in kept if each.unread or each.unacknowledged),
        listeners=tuple(each.local for each in own if each.state is TcpState.LISTEN),
        freeze=expected_freeze(evidence.processes, pids, len(connections)),
        waits=tuple(
            sorted(
                ((each.connection, waiting[each.inode]) for each in connections if each.inode in waiting),
                key=lambda each: each[1].least_ms,
            )
        ),
        resets=tuple(_resets(kept, waiting)),
        neighbours=_neighbours(evidence, target),
    )


def sentences(summary: Summary) -> Iterator[str]:
    """The summary for people; hostile."""
    counts = Counter(each.answer for each in summary.things)
    told = ", ".join(f"{counts[answer]} {answer.words}" for answer in sorted(counts, reverse=True))
    yield f"judged one by one: {told}"
    if summary.options:
        yield f"options that the dump and the restore need: {' '.join(summary.options)}"
    places = (
        (summary.inside_tree, "within what is dumped"),
        (summary.on_this_host, "to other processes of this host"),
        (summary.elsewhere, "to elsewhere"),
    )
    if where := ", ".join(f"{number} {place}" for number, place in places if number):
        yield f"connections: {where}"
    if summary.ledger:
        yield _queues(summary.ledger)
    yield from _patience(summary)
    if summary.listeners:
        yield f"who connects to {listed(summary.listeners)} between the dump and the restore is refused"
    if summary.resets:
        yield f"without a lock the peer is reset at once: {listed(f'{end} ({why})' for end, why in summary.resets)}"
    if summary.neighbours:
        who = f"{len(summary.neighbours)} other process{'es' if summary.neighbours[1:] else ''}"
        yield (
            f"{who} in the same network namespace would be cut off, too, by a CRIU that runs outside of it, as that of "
            f"a container engine does: {listed(_names(summary.neighbours))}"
        )


def _patience(summary: Summary) -> Iterator[str]:
    freeze = summary.freeze
    low, high = span(freeze.least_ms), span(freeze.most_ms)
    yield f"nobody answers for some {low} to {high} (assumed: {', '.join(freeze.assumed)})"
    if not summary.waits:
        return
    first = summary.waits[0][1]
    who = "the only peer" if len(summary.waits) == 1 else "the most impatient peer"
    assumed = f" (assumed: {', '.join(first.assumed)})" if first.assumed else ""
    when = f"gives up after {span(first.least_ms)}" if isfinite(first.least_ms) else "does not give up"
    yield f"{who} {when}: {first.because}{assumed}"


def span(milliseconds: float) -> str:
    """``0.3 s``, ``42 s``, ``15 min``."""
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _queues(ledger: Sequence[Account]) -> str:
    unread, written = sum(each.unread for each in ledger), sum(each.unacknowledged for each in ledger)
    kept, closed = sum(each.lost_when_kept() for each in ledger), sum(each.lost_when_closed() for each in ledger)
    resets = sum(each.resets_peer for each in ledger)
    reset = f" and resets {counted(resets, 'peer')}" if resets else ""
    return (
        f"queues: {unread} bytes not read, {written} not acknowledged; --tcp-established loses {kept} of them, "
        f"--tcp-close {closed}{reset}"
    )


def _names(neighbours: Sequence[Neighbour]) -> Iterator[str]:
    for each in neighbours:
        inside = f" (container {each.container})" if each.container else ""
        yield f"{each.command} {each.pid}{inside}".strip()


def _resets(kept: Sequence[Account], waiting: Mapping[int, Wait]) -> Iterator[tuple[Connection, str]]:
    """A process that ends with unread bytes resets its peer; a segment that meets no socket is answered by a reset."""
    for each in kept:
        peer = waiting[each.socket.inode].peer if each.socket.inode in waiting else None
        if each.unread:
            yield each.socket.connection, f"{each.unread} bytes that it sent are not read"
        elif peer is not None and (peer.send_q or peer.timer in _SENDING):
            yield each.socket.connection, f"it sends within {span(peer.timer_ms)}"


def _things(found: Sequence[Verdict], evidence: Evidence) -> tuple[Thing, ...]:
    groups: dict[str, list[Verdict]] = {}
    for each in found:
        about, name = subject(each, evidence.processes).title, what(each)
        groups.setdefault(name if each.descriptor is None else f"{about} {name}", []).append(each)
    return tuple(Thing(name, max(each.answer for each in group), tuple(group)) for name, group in groups.items())


def _ends(connections: Sequence[Connection], sockets: Sequence[Socket], target: Target) -> tuple[int, int]:
    """How many of the connections end within the tree, and how many at other processes of this host."""
    ends = {each.connection.unmapped: each for each in other_ends(sockets, connections)}
    peers = [ends[each.unmapped.reversed] for each in connections if each.unmapped.reversed in ends]
    inside = sum(any(holder.pid in target.pids for holder in each.holders) for each in peers)
    return inside, len(peers) - inside


def _neighbours(evidence: Evidence, target: Target) -> tuple[Neighbour, ...]:
    if isinstance(evidence.namespaces, Gap) or isinstance(evidence.processes, Gap):
        return ()
    pids = dumped(target)
    homes = {evidence.processes[pid].namespaces.net for pid in pids if pid in evidence.processes}
    here = (each for each in evidence.namespaces if each.inode in homes and not each.is_host)
    return tuple(_neighbour(pid, evidence.processes) for each in here for pid in each.pids if pid not in pids)


def _neighbour(pid: int, processes: Mapping[int, Process]) -> Neighbour:
    known = processes.get(pid)
    container = known.container if known else None
    return Neighbour(pid, known.command if known else "", (container.name or container.id[:12]) if container else "")
