"""A forgotten lock of CRIU holds back a connection that a process has open right now.

What it looks at
----------------
Every lock of CRIU's making, and the sockets of its namespace: those of the locked connections, or all connected ones
if the lock is on the whole namespace. Reported is a lock while no CRIU and no operation of the workbench is at work.

Why it matters
--------------
The process believes that it is connected, but every packet of the connection is dropped, in silence. It waits until
its retransmissions run out (about 15 minutes by default, or its TCP_USER_TIMEOUT), and then the connection is lost.
This is what is left when CRIU was killed half way, when a lock was set twice and lifted once, when the restore used
another iptables backend than the dump, or when a restore ended "successfully" without lifting its lock.

What to do
----------
Delete the rules with the commands given, or with `workbench locks --remove`, which shows its plan first. That harms
nobody: the connection is held back by nothing else, and goes on with the next retransmission of either end.

When it is wrong
----------------
A dump by a CRIU in another pid namespace that this host cannot see.

References
----------
criu/netfilter.c; criu/cr-restore.c (errors of the unlock never change the exit status); workbench locks.
"""

from collections.abc import Iterator

from workbench.checking import Problem, Quote, Severity
from workbench.checking.lifting import lifting
from workbench.checking.phrases import counted, inside, listed, lock_subject, namespace_name, owner
from workbench.evidence import Gap, NetworkNamespace
from workbench.evidence.lock_map import LockStatus, LockUse

CODE = "NFT002"
NAME = "netlock-on-live-connection"
SINCE = "0.1"


def check(
    lock_uses: tuple[LockUse, ...],
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each lock; each hurts its own connections."""
    for use in lock_uses:
        if use.status is not LockStatus.LEAK:
            continue
        lock = use.lock
        place = namespace_name(lock.netns, namespaces)
        who = listed(f"{socket.connection} of {owner(socket)}" for socket in use.sockets)
        retransmits = max((socket.retransmits for socket in use.sockets), default=0)
        tried = f" It has retransmitted {counted(retransmits, 'time')} without an answer." if retransmits else ""
        yield Problem(
            Severity.ERROR,
            lock_subject(
                [lock],
                place,
                pids=tuple(process.pid for process in use.processes),
                operation=use.operation and use.operation.id,
                cookies=tuple(socket.cookie for socket in use.sockets),
            ),
            f"A lock ({lock.backend}) that CRIU left in {place} drops the packets of {who}. The connection is open and "
            f"cut off; it will be lost when its owner or its peer gives up.{tried}",
            facts={
                "sockets": [str(socket.connection) for socket in use.sockets],
                "packets_dropped": lock.packets,
                "retransmits": retransmits,
                "images": use.image and use.image.path,
            },
            quotes=tuple(Quote("rules", f"{rule.chain}: {rule.text}") for rule in lock.rules)[:8],
            fixes=lifting([lock], inside(lock.netns, namespaces), safe=True),
            follows=("unfinished-operation",),
        )
