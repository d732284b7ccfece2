"""The peer of a dumped connection lives on this host, and retransmits into the lock.

What it looks at
----------------
Sockets with unanswered retransmissions or probes whose connection, seen from the other end, is locked by CRIU.

Why it matters
--------------
This is what waiting looks like from the peer's side. Each retransmission comes after twice the time of the one
before, and after 15 of them (tcp_retries2), or after its TCP_USER_TIMEOUT, the peer gives up and the connection is
lost even if the images are restored later.

What to do
----------
Restore soon, or give the connection up by lifting the lock.

When it is wrong
----------------
While a dump or restore is just running this is as it should be; then it is not reported.

References
----------
RFC 6298; tcp(7), tcp_retries2, TCP_USER_TIMEOUT.
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import counted, owner, socket_subject
from workbench.evidence import Connection, Gap, Sequences, Socket
from workbench.evidence.lock_map import LockStatus, LockUse
from workbench.evidence.socket_choice import Choice, choose

CODE = "SCK006"
NAME = "retransmits-into-lock"
SINCE = "0.1"


def check(
    lock_uses: tuple[LockUse, ...],
    sockets: Sequence[Socket],
    sequences: Mapping[int, Sequences] | Gap,
) -> Iterator[Problem]:
    """One problem for each peer that waits."""
    locked: set[Connection] = set()
    hurt: set[int] = set()
    for use in lock_uses:
        if use.status is not LockStatus.HELD:
            locked |= {connection.unmapped.reversed for connection in use.connections}
            hurt |= {socket.cookie for socket in use.sockets}
    for socket in choose(sockets, Choice(retransmits=1)):
        if socket.connection.unmapped not in locked or socket.cookie in hurt:
            continue
        known = None if isinstance(sequences, Gap) else sequences.get(socket.cookie)
        limit = known.user_timeout_ms if known else None
        until = f"; it gives up after {limit / 1000:g} s (TCP_USER_TIMEOUT)" if limit else ""
        yield Problem(
            Severity.WARNING,
            socket_subject(socket),
            f"{owner(socket)} has retransmitted {counted(socket.retransmits, 'time')} to a peer that was dumped and is "
            f"locked, next in {socket.timer_ms / 1000:.1f} s{until}.",
            facts={"retransmits": socket.retransmits, "timer_ms": socket.timer_ms, "user_timeout_ms": limit},
            quotes=(Quote("sockets", f"{socket.connection} {socket.timer} retransmits {socket.retransmits}"),),
            fixes=(Fix("Restore the dumped end before the peer gives up."),),
            follows=("netlock-leftover", "netlock-half", "dump-awaits-restore", "unfinished-operation"),
        )
