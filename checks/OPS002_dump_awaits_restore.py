"""A dumped connection is locked and waits to be restored.

What it looks at
----------------
Locks whose image directory is known and complete, and whose process is gone.

Why it matters
--------------
This is how it should look between a dump and a restore. It is mentioned because the peer does not wait for ever: its
retransmissions run out after about 15 minutes by default, or after its TCP_USER_TIMEOUT.

What to do
----------
Restore the images, or, if you will not, lift the lock: `workbench locks` shows it.

When it is wrong
----------------
The images may be meant for another host; then lift the lock here once the restore there has succeeded.

References
----------
criu(8), --network-lock; tcp(7), tcp_retries2.
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, lock_subject, namespace_name
from workbench.evidence import Gap, NetworkNamespace, Socket
from workbench.evidence.lock_map import LockStatus, LockUse

CODE = "OPS002"
NAME = "dump-awaits-restore"
SINCE = "0.1"


def check(
    lock_uses: tuple[LockUse, ...],
    sockets: Sequence[Socket] | Gap,
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One note for each lock that waits."""
    for use in lock_uses:
        unseen = use.status is LockStatus.UNCLEAR and isinstance(sockets, Gap)
        if not (use.status is LockStatus.NEEDED or unseen) or use.image is None or not use.image.complete:
            continue
        place = namespace_name(use.lock.netns, namespaces)
        yield Problem(
            Severity.NOTE,
            lock_subject([use.lock], place, path=use.image.path, operation=use.operation and use.operation.id),
            f"The lock on {listed(use.connections) or 'all traffic'} in {place} keeps the peer waiting for the restore "
            f"of {use.image.path}.",
            facts={"images": use.image.path, "packets_dropped": use.lock.packets},
            quotes=tuple(Quote("rules", f"{rule.chain}: {rule.text}") for rule in use.lock.rules)[:4],
            fixes=(Fix("Restore it.", ("workbench", "restore", "-D", use.image.path)),),
            follows=("unfinished-operation",),
        )
