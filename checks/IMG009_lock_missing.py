"""The images hold live connections, and no lock protects them here.

What it looks at
----------------
Connections in the images that are to be restored, the lock method that they were dumped with, and the locks of the
network namespace in which the restore is to happen.

Why it matters
--------------
Between dump and restore the lock keeps the peer's packets from a kernel that has no such socket. If the rules are
gone (a reboot, a flushed firewall, a second restore, another host), the first packet that the peer sends is answered
with a reset. CRIU itself only prints `Bad rule` and reports success.

What to do
----------
On another host: put a lock there before the address is moved. On the same host: restore soon, or lock the connection
again first; if the peer has been reset meanwhile, restore with `--tcp-close`.

When it is wrong
----------------
A peer that is silent sends nothing that could be answered. On another host the address may not be reachable yet.

References
----------
criu/netfilter.c; criu/cr-restore.c.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.phrases import counted, listed
from workbench.checking.targets import connected
from workbench.evidence import Lock, LockScope

CODE = "IMG009"
NAME = "lock-missing"
SINCE = "0.1"


def check(landing: Landing, locks: tuple[Lock, ...]) -> Iterator[Problem]:
    """One problem for all connections without a lock."""
    image, netns = landing.image, landing.netns
    if image.lock_method == "skip":
        return
    here = [lock for lock in locks if lock.netns == netns]
    if any(lock.scope is LockScope.NAMESPACE for lock in here):
        return
    held = {end.unmapped for lock in here for item in lock.connections for end in (item, item.reversed)}
    bare = [socket.connection for socket in connected(image) if socket.connection.unmapped not in held]
    if bare:
        yield Problem(
            Severity.WARNING,
            Subject("image", image.path, {"path": image.path, "netns": netns}),
            f"{counted(len(bare), 'connection')} of the images ({listed(bare)}) have no lock in {landing.place}: if "
            "the peer has sent anything meanwhile it was answered with a reset, and the connection is gone.",
            facts={"connections": [str(connection) for connection in bare], "lock_method": image.lock_method},
            quotes=(Quote("locks", f"{len(here)} locks in {landing.place}"),),
            fixes=(Fix("Make sure that the peers are still connected, or restore with --tcp-close."),),
            follows=("tuple-in-use", "images-outdated"),
        )
