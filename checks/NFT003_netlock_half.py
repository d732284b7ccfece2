"""Half of a network lock stands here: one direction is held back and the other is open.

What it looks at
----------------
Pairs of rules that CRIU makes for a connection, of which only the one in INPUT or only the one in OUTPUT is there, and
chains ``CRIU`` that are no longer jumped to from both.

Why it matters
--------------
A lock with one open direction protects nothing: the peer's data reaches a host that has no such socket, and is answered
with a reset; or the answers of a restored process never leave. It is left by a dump that failed between its two
commands, by a clean-up by hand, or by CRIU's fault with IPv6 addresses whose third 32-bit word is 0000:ffff, of which
it locks one direction as if they were IPv4.

What to do
----------
If images of this connection wait to be restored, put the missing rule back (the other one with source and destination
exchanged). If not, delete the remaining one.

When it is wrong
----------------
While CRIU is just setting or lifting the lock; look again a second later.

References
----------
criu/netfilter.c (iptables_connection_switch_raw, ipv6_addr_mapped).
"""

from collections.abc import Iterator

from workbench.checking import Problem, Quote, Severity
from workbench.checking.lifting import lifting
from workbench.checking.phrases import inside, lock_subject, namespace_name
from workbench.evidence import Gap, LockScope, NetworkNamespace
from workbench.evidence.lock_map import LockStatus, LockUse

CODE = "NFT003"
NAME = "netlock-half"
SINCE = "0.1"


def check(
    lock_uses: tuple[LockUse, ...],
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each half."""
    for use in lock_uses:
        lock = use.lock
        if use.status not in {LockStatus.HALF, LockStatus.UNCLEAR} or len(lock.directions) == 2:
            continue
        place = namespace_name(lock.netns, namespaces)
        what = "the whole namespace" if lock.scope is LockScope.NAMESPACE else str(lock.connections[0])
        state = "nothing jumps to it any more"
        if lock.directions:
            kept = next(iter(lock.directions))
            state = f"it holds back {kept}, and {'output' if kept == 'input' else 'input'} is open"
        waiting = use.image is not None
        yield Problem(
            Severity.WARNING,
            lock_subject([lock], place, operation=use.operation and use.operation.id),
            f"Only half of a lock of CRIU's on {what} is left in {place}: {state}."
            + (f" Images of this connection wait in {use.image.path}, unprotected." if use.image else ""),
            facts={"directions": sorted(lock.directions), "images": use.image and use.image.path},
            quotes=tuple(Quote("rules", f"{rule.chain}: {rule.text}") for rule in lock.rules),
            fixes=lifting([lock], inside(lock.netns, namespaces), safe=not waiting),
            follows=("unfinished-operation",),
        )
