"""One connection is locked twice; lifting the lock once will leave it cut off.

What it looks at
----------------
Pairs of CRIU's rules for the same connection that stand more than once in one chain, and connections that are locked
in more than one backend (iptables-legacy, iptables-nft, nftables) of the same namespace.

Why it matters
--------------
CRIU deletes one rule for each that it made, and only in the backend that it used. If a lock of an earlier run was still
there when the connection was dumped again, one of the two pairs is left after a restore that reports success, and the
connection is dead.

What to do
----------
Delete the surplus rules now, one of each; keep one pair if a restore is still to come.

When it is wrong
----------------
When both ends of a connection live on this host, each dumped end has a pair of its own; those have source and
destination exchanged and are not counted.

References
----------
criu/netfilter.c (iptables -I and -D, one rule each).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.lifting import lifting
from workbench.checking.phrases import inside, lock_subject, namespace_name
from workbench.evidence import Connection, Gap, Lock, LockScope, NetworkNamespace, Rule

CODE = "NFT004"
NAME = "netlock-twice"
SINCE = "0.1"


def check(
    locks: tuple[Lock, ...],
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each connection, or namespace, that is locked more than once."""
    standing: dict[tuple[int, Connection | str], list[Lock]] = defaultdict(list)
    for lock in locks:
        if lock.scope is LockScope.CONNECTION:
            for connection in lock.connections:
                standing[lock.netns, _whichever_end(connection)].append(lock)
        elif lock.family != "ip6":  # a chain of iptables stands in both families
            standing[lock.netns, "everything"].append(lock)
    for (netns, what), found in standing.items():
        backends = sorted({lock.backend.value for lock in found})
        times = max(lock.duplicates for lock in found) + 1
        if times == 1 and len(backends) == 1:
            continue
        place = namespace_name(netns, namespaces)
        how = f"in {' and in '.join(backends)}" if len(backends) > 1 else f"{times} times in {backends[0]}"
        name = what if isinstance(what, str) else found[0].connections[0]
        yield Problem(
            Severity.WARNING,
            lock_subject(found, place),
            f"{name} is locked {how} ({place}). CRIU lifts a lock once, in one backend: what is left will keep the "
            f"connection cut off after a successful restore.",
            facts={"backends": backends, "times": times},
            quotes=tuple(Quote("rules", f"{rule.chain}: {rule.text}") for lock in found for rule in lock.rules)[:8],
            fixes=(
                *lifting([replace(lock, rules=_surplus(lock)) for lock in found], inside(netns, namespaces)),
                *(
                    [Fix("Delete the lock in every backend but the one that the restore will use.")]
                    * (len(backends) > 1)
                ),
            ),
            follows=("netlock-on-live-connection", "netlock-leftover", "unfinished-operation"),
        )


def _surplus(lock: Lock) -> tuple[Rule, ...]:
    """The second and later of rules that are the same."""
    first = {(rule.chain, rule.text): rule for rule in reversed(lock.rules)}
    return tuple(rule for rule in lock.rules if first[rule.chain, rule.text] is not rule)


def _whichever_end(connection: Connection) -> Connection:
    return min(connection.unmapped, connection.unmapped.reversed)
