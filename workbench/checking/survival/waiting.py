"""Whether the other end of a connection waits until the process that is dumped answers again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.checking.survival.freeze import Freeze
from workbench.checking.survival.verdict import Answer, Verdict
from workbench.evidence import Evidence, Gap, Sequences, Socket, SocketTimer, Sysctl
from workbench.evidence.outlook import Outlook, if_it_sends, limits_of, outlook, remote_outlook
from workbench.evidence.socket_choice import other_ends

SHORT_MS = 60_000.0
"""A peer that gives up earlier has been told to: it is worth knowing before the dump."""
_SENDS = "it sends something meanwhile"


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the peer of one connection goes on without an answer, milliseconds from the beginning of the silence.

    Infinite for one that waits for ever.
    """

    peer: Socket | None
    """None: it is not on this host."""
    least_ms: float
    most_ms: float
    because: str
    """How that time comes about; a clause."""
    assumed: tuple[str, ...] = ()
    """What was taken for granted; clauses."""


def waits(evidence: Evidence, connections: Iterable[Socket], pids: Collection[int]) -> dict[int, Wait]:
    """By the inode of the end that is dumped; without those whose other end is dumped, too."""
    listed: Sequence[Socket] = () if isinstance(evidence.sockets, Gap) else evidence.sockets
    ours = {each.connection.unmapped: each.inode for each in connections}
    sequences: Mapping[int, Sequences] = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    sysctls = () if isinstance(evidence.sysctls, Gap) else evidence.sysctls
    found = {inode: wait_of(None, sequences, sysctls) for inode in ours.values()}
    for each in other_ends(listed, ours):
        inode = ours[each.connection.unmapped.reversed]
        if any(holder.pid in pids for holder in each.holders):
            found.pop(inode, None)
        else:
            found[inode] = wait_of(each, sequences, sysctls)
    return found


def wait_of(peer: Socket | None, sequences: Mapping[int, Sequences], sysctls: Iterable[Sysctl]) -> Wait:
    """How long a peer waits from now on, if it sends something as soon as nobody answers, or has sent already."""
    if peer is None:
        return _wait(None, remote_outlook())
    known, limits = sequences.get(peer.cookie), limits_of(sysctls, peer.netns)
    ways = [_wait(peer, outlook(peer, known, limits))]
    if peer.timer not in {SocketTimer.RTO, SocketTimer.PROBE}:
        ways.append(_wait(peer, if_it_sends(peer, known, limits), _SENDS))
    return min(ways, key=lambda each: each.least_ms)


def _wait(peer: Socket | None, ahead: Outlook, *assumed: str) -> Wait:
    if ahead.ends is None:
        return Wait(peer, float("inf"), float("inf"), ahead.ending)
    return Wait(peer, ahead.ends.least, ahead.ends.most, ahead.formula or ahead.ending, (*assumed, *ahead.assumed))


def impatient(wait: Wait, freeze: Freeze) -> Verdict | None:
    """The verdict on a connection whose peer may not wait; None where it has long enough."""
    if wait.least_ms > max(freeze.most_ms, SHORT_MS):
        return None
    facts = {
        "gives_up_least_s": round(wait.least_ms / 1000, 1),
        "gives_up_most_s": round(wait.most_ms / 1000, 1),
        "freeze_least_s": round(freeze.least_ms / 1000, 1),
        "freeze_most_s": round(freeze.most_ms / 1000, 1),
        "memory_bytes": freeze.memory_bytes,
        "sure": wait.most_ms <= freeze.least_ms,
        "assumed": [*freeze.assumed, *wait.assumed],
    }
    lost = wait.least_ms <= freeze.most_ms
    after = facts["gives_up_least_s"]
    reason = f"its peer{_whose(wait.peer)} gives up {after} s after it got no answer ({wait.because})"
    return Verdict(Answer.LOSES if lost else Answer.OK, "peer-gives-up", reason, facts=facts)


def _whose(peer: Socket | None) -> str:
    return f" ({peer.command} {peer.pid})" if peer is not None and peer.pid is not None else ""
