"""A lock stands in another iptables backend than the command iptables means now, so that a restore will not lift it.

What it looks at
----------------
Locks that CRIU made by iptables, the backend that they stand in (legacy or nf_tables), and which of the two the command
``iptables`` on this host is.

Why it matters
--------------
CRIU runs ``iptables -D`` to lift the lock, and ignores that it fails. If iptables meant the other backend when the
lock was made (another PATH, a container with its own iptables, update-alternatives), the rule is not found, the
restore reports success, and the connection stays cut off.

What to do
----------
Before the restore, let ``iptables`` mean the same backend as during the dump; or, after a restore, delete the rules in
the backend in which they stand.

When it is wrong
----------------
If CRIU runs in a container or with a PATH of its own, in which iptables is the right one.

References
----------
criu/netfilter.c; update-alternatives(1); iptables(8), xtables-nft(8).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, lock_subject, namespace_name
from workbench.evidence import Backend, Gap, Host, NetworkNamespace
from workbench.evidence.lock_map import LockStatus, LockUse

CODE = "NFT005"
NAME = "netlock-other-backend"
SINCE = "0.1"


def check(
    lock_uses: tuple[LockUse, ...],
    host: Host,
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each lock that a restore will look for in vain."""
    is_nft = host.features.get("iptables_is_nft")
    if is_nft is None:
        return
    meant = Backend.IPTABLES_NFT if is_nft else Backend.LEGACY
    for use in lock_uses:
        lock = use.lock
        if lock.backend in {meant, Backend.NFTABLES} or use.status is LockStatus.HELD:
            continue
        place = namespace_name(lock.netns, namespaces)
        yield Problem(
            Severity.WARNING,
            lock_subject([lock], place, operation=use.operation and use.operation.id),
            f"The lock on {listed(lock.connections) or 'all traffic'} in {place} stands in {lock.backend}, but "
            f"iptables on this host is {meant}: a restore will not find the lock, will not say so, and leaves the "
            "connection cut off.",
            facts={"backend": lock.backend.value, "iptables": meant.value},
            quotes=tuple(Quote("rules", f"{rule.chain}: {rule.text}") for rule in lock.rules)[:4],
            fixes=(
                Fix(
                    f"Let iptables be {lock.backend} again until the restore is done.",
                    ("update-alternatives", "--set", "iptables", f"/usr/sbin/{lock.backend}"),
                ),
            ),
            follows=("netlock-on-live-connection", "unfinished-operation"),
        )
