"""A network lock of CRIU stands here, and no CRIU is at work that would lift it.

What it looks at
----------------
Rules of the form that CRIU gives to its network locks, in iptables-legacy, iptables-nft and nftables, in every network
namespace: a pair of DROP rules for one connection, a table ``CRIU-...`` or a chain ``CRIU``. Left out are locks that a
running CRIU may have set, that hold back a connection which a process still has open (NFT002), that are half gone
(NFT003) or whose images wait for a restore (OPS002).

Why it matters
--------------
While it takes a connection apart, CRIU drops every packet of it, so that the peer sees silence instead of a reset. The
lock is meant to last until the restore. If the restore never comes, the peer retransmits until it gives up (about 15
minutes by default). A lock on a whole namespace cuts off everything in it. And a lock that nobody removes blocks the
same connection again after a later dump and restore have succeeded.

What to do
----------
If you still mean to restore the images of this dump, leave the lock alone: it keeps the peer waiting. If not, delete
the rules with the commands given, or with `workbench locks --remove`, which shows its plan first. The peer's next
packet is then answered with a reset.

When it is wrong
----------------
A dump that was made on purpose and waits to be restored looks the same as long as its image directory is not named on
the command line. In a saved list of rules nobody can see whether a CRIU was at work at that moment.

References
----------
criu/net.c (network_lock_internal, nftables_lock_network_internal), criu/netfilter.c; criu(8), --network-lock.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.lifting import lifting
from workbench.checking.phrases import counted, inside, listed, lock_subject, namespace_name
from workbench.evidence import Gap, LockScope, NetworkNamespace, Socket
from workbench.evidence.lock_map import LockStatus, LockUse

CODE = "NFT001"
NAME = "netlock-leftover"
SINCE = "0.1"


def check(
    lock_uses: tuple[LockUse, ...],
    sockets: Sequence[Socket] | Gap,
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each namespace, backend and form of lock."""
    groups: dict[tuple[object, ...], list[LockUse]] = defaultdict(list)
    for use in lock_uses:
        lock = use.lock
        waits = isinstance(sockets, Gap) and use.image is not None and use.image.complete
        if use.status in {LockStatus.ORPHAN, LockStatus.UNCLEAR} and len(lock.directions) == 2 and not waits:
            groups[lock.netns, lock.backend, lock.scope, use.operation and use.operation.id].append(use)
    for (*_, operation), uses in groups.items():
        locks = [use.lock for use in uses]
        first = locks[0]
        place = namespace_name(first.netns, namespaces)
        held = tuple(dict.fromkeys(item for use in uses for item in use.connections))
        whole = first.scope is LockScope.NAMESPACE
        empty = not whole and not held
        what = "every packet in and out" if whole else f"{counted(len(held), 'connection')} ({listed(held)})"
        done = f"An empty lock of CRIU's is left in {place}, which drops nothing"
        if not empty:
            done = f"Rules left by CRIU drop {what} in {place}"
        saved = isinstance(sockets, Gap)
        if saved:
            why = "Unless a dump or restore was at work at that moment, nothing will lift it"
        else:
            why = f"No CRIU is at work that would lift it: {uses[0].sentence}"
        # A saved list of rules is shown by somebody whose network is already dead.
        severity = Severity.NOTE if empty else Severity.ERROR if whole or saved else Severity.WARNING
        yield Problem(
            severity,
            lock_subject(locks, place, operation=operation),
            f"{done}. {why}.",
            facts={
                "connections": [str(item) for item in held],
                "packets_dropped": sum(lock.packets for lock in locks if lock.packets is not None),
                "run_id_prefix": first.run_id_prefix,
            },
            quotes=tuple(Quote("rules", f"{rule.chain}: {rule.text}") for lock in locks for rule in lock.rules)[:8],
            fixes=(
                Fix("Restore the images of this dump, if they still exist: that lifts the lock."),
                *lifting(locks, inside(first.netns, namespaces)),
            ),
            follows=("unfinished-operation",),
        )
