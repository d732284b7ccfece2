"""A network lock of CRIU stands here, and no CRIU is at work that would lift it.

What it looks at
----------------
Rules of the form that CRIU gives to its network locks, in iptables-legacy, iptables-nft and nftables, in every network
namespace: a pair of DROP rules for one connection, a table ``CRIU-...`` or a chain ``CRIU``. A lock is left out while a
CRIU runs that may have set it, and when it holds back a connection that a process still has open (that is NFT002).

Why it matters
--------------
While it takes a connection apart, CRIU drops every packet of it, so that the peer sees silence instead of a reset. The
lock is meant to last until the restore. If the restore never comes, the peer retransmits until it gives up (about 15
minutes by default); if the lock is on a whole namespace, everything in it is cut off; and a leftover lock that nobody
removes will block the same connection after the next, successful restore.

What to do
----------
If you still mean to restore the images of this dump, leave the lock alone: it is what keeps the peer waiting. If not,
delete the rules with the commands given. The peer's next packet is then answered with a reset.

When it is wrong
----------------
A dump that was made on purpose and waits to be restored looks the same: then this is a reminder. In a saved list of
rules nobody can see whether a CRIU was at work at that moment.

References
----------
criu/net.c (network_lock_internal, nftables_lock_network_internal), criu/netfilter.c; criu(8) --network-lock.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.circumstances import (
    connections_of,
    criu_at_work,
    inside,
    listed,
    live_sockets,
    namespace_name,
    operation_of,
)
from workbench.checking.lifting import lifting
from workbench.evidence import Gap, Lock, LockScope, NetworkNamespace, Process, Socket, UnfinishedOperation

CODE = "NFT001"
NAME = "netlock-leftover"
SINCE = "0.1"


def check(
    locks: tuple[Lock, ...],
    processes: Mapping[int, Process] | Gap,
    sockets: Sequence[Socket] | Gap,
    namespaces: tuple[NetworkNamespace, ...] | Gap,
    unfinished: tuple[UnfinishedOperation, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each namespace and backend, or for each operation that accounts for the lock."""
    if criu_at_work(processes):
        return
    groups: dict[tuple[object, ...], list[Lock]] = defaultdict(list)
    for lock in locks:
        operation = operation_of(lock, unfinished)
        if not live_sockets(lock, sockets) and not (operation and operation.workbench_alive):
            name = lock.name if lock.scope is LockScope.NAMESPACE else None
            groups[lock.netns, lock.backend, lock.scope, name, operation.id if operation else None].append(lock)
    for (_, _, _, _, operation_id), group in groups.items():
        first = group[0]
        place = namespace_name(first.netns, namespaces)
        held = connections_of(group)
        what = f"{len(held)} connection(s): {listed(held)}" if held else "every packet in and out"
        unknown = isinstance(sockets, Gap)
        yield Problem(
            Severity.ERROR if unknown or first.scope is LockScope.NAMESPACE else Severity.WARNING,
            Subject("lock", f"{first.backend} lock in {place}", {
                "netns": first.netns, "backend": str(first.backend), "lock": first.name, "operation": operation_id,
            }),
            f"A network lock left by CRIU drops {what} ({first.backend}, {place}), and no CRIU is at work to lift it.",
            facts={
                "connections": [str(item) for item in held],
                "scope": str(first.scope),
                "packets_dropped": sum(lock.packets for lock in group if lock.packets is not None),
                "run_id_prefix": first.run_id_prefix,
            },
            quotes=tuple(Quote("rules", rule.text) for lock in group for rule in lock.rules)[:8],
            fixes=(
                Fix("Restore the images of this dump, if they still exist: the lock is lifted by the restore."),
                *lifting(group, inside(first.netns, namespaces)),
            ),
            follows=("unfinished-operation",),
        )  # fmt: skip
