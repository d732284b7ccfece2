"""Whether the other end of a connection waits until the process that is dumped answers again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.checking.survival.freeze import Freeze
from workbench.checking.survival.verdict import Answer, Verdict
from workbench.evidence import Evidence, Gap, Sequences, Socket, SocketTimer, Sysctl
from workbench.evidence.patience import if_it_sends, patience, timeout_of

REMOTE_MS = timeout_of(15, 120_000)
"""What Linux's defaults stand for: all that can be said of a peer on another machine."""
SHORT_MS = 60_000.0
"""A peer that gives up earlier has been told to: it is worth knowing before the dump."""
_KEEPALIVE = {"net.ipv4.tcp_keepalive_probes": 9, "net.ipv4.tcp_keepalive_intvl": 75}


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the peer of one connection goes on without an answer, milliseconds from the beginning of the silence."""

    peer: Socket | None
    """None: it is not on this host."""
    least_ms: float
    most_ms: float
    because: str
    """What ends it; a clause."""
    assumed: tuple[str, ...] = ()
    """What was taken for granted; clauses."""


class Settings:
    """What the peers' network namespaces prescribe."""

    def __init__(self, sysctls: Iterable[Sysctl]) -> None:
        self._values = {(each.netns, each.name): each.value for each in sysctls}

    def of(self, netns: int, name: str) -> int | None:
        value = self._values.get((netns, name), "")
        return int(value) if value.isdecimal() else None


def waits(evidence: Evidence, connections: Iterable[Socket], pids: Collection[int]) -> dict[int, Wait]:
    """By the inode of the end that is dumped; without those whose other end is dumped, too."""
    listed: Sequence[Socket] = () if isinstance(evidence.sockets, Gap) else evidence.sockets
    ours = {each.connection.unmapped.reversed: each.inode for each in connections}
    sequences: Mapping[int, Sequences] = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    settings = Settings(() if isinstance(evidence.sysctls, Gap) else evidence.sysctls)
    found = {inode: wait_of(None, sequences, settings) for inode in ours.values()}
    for each in listed if ours else ():
        inode = ours.get(each.connection.unmapped)
        if inode is None:
            continue
        if any(holder.pid in pids for holder in each.holders):
            found.pop(inode, None)
        else:
            found[inode] = wait_of(each, sequences, settings)
    return found


def wait_of(peer: Socket | None, sequences: Mapping[int, Sequences], settings: Settings) -> Wait:
    """How long a peer waits if it sends something as soon as nobody answers, or has sent already."""
    if peer is None:
        told = "it is on another machine with Linux's defaults: tcp_retries2 15, no TCP_USER_TIMEOUT"
        return Wait(None, REMOTE_MS, REMOTE_MS * 1.03, "its retransmissions end", (told,))
    known = sequences.get(peer.cookie)
    retries2 = settings.of(peer.netns, "net.ipv4.tcp_retries2")
    rto_max = settings.of(peer.netns, "net.ipv4.tcp_rto_max_ms")
    running = patience(peer, known, retries2, rto_max)
    waits = running or if_it_sends(peer, known, retries2, rto_max)
    timeout = known.user_timeout_ms if known else None
    because = f"its TCP_USER_TIMEOUT is {timeout} ms" if timeout else f"tcp_retries2 is {retries2} there"
    assumed = [] if running else ["it sends something meanwhile"]
    if known is None:
        assumed.append("no TCP_USER_TIMEOUT, which could not be read")
    if retries2 is None and not timeout:
        because = "its retransmissions end"
        assumed.append("tcp_retries2 15, which could not be read")
    wait = Wait(peer, waits.least_ms, waits.most_ms, because, tuple(assumed))
    if running is None and peer.timer is SocketTimer.KEEPALIVE:
        wait = min(wait, _kept_alive(peer, timeout, settings), key=lambda each: each.least_ms)
    return wait


def _kept_alive(peer: Socket, timeout: int | None, settings: Settings) -> Wait:
    """An idle peer that probes: its own number and interval of probes are not told, those of its namespace are."""
    told = {name: settings.of(peer.netns, name) or default for name, default in _KEEPALIVE.items()}
    probes, interval = told.values()
    silence = min(probes * interval * 1000.0, timeout or float("inf"))
    end = peer.timer_ms + silence
    assumed = (f"{probes} keepalive probes every {interval} s, as its namespace has it",)
    return Wait(peer, end, end * 1.03, "its keepalive probes are not answered", assumed)


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
    when = f"gives up {facts['gives_up_least_s']} s after it got no answer, as {wait.because}"
    return Verdict(
        Answer.LOSES if lost else Answer.OK, "peer-gives-up", f"its peer{_whose(wait.peer)} {when}", facts=facts
    )


def _whose(peer: Socket | None) -> str:
    return f" ({peer.command} {peer.pid})" if peer is not None and peer.pid is not None else ""
