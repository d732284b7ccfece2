"""The kernel lets nobody put a socket into repair mode.

What it looks at
----------------
TCP_REPAIR on a fresh socket of the workbench's own.

Why it matters
--------------
Repair mode is how CRIU reads the sequence numbers of a connection and puts them back. Without it no connection
survives a dump. Either the kernel was built without CONFIG_CHECKPOINT_RESTORE, or CAP_NET_ADMIN is missing.

What to do
----------
Run it as root; if that does not help, use a kernel with CONFIG_CHECKPOINT_RESTORE.

When it is wrong
----------------
Never known to be wrong for root: it is tried, not guessed.

References
----------
net/ipv4/tcp.c (tcp_can_repair_sock); CRIU's page on TCP connections.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Host

CODE = "ENV006"
NAME = "tcp-repair-missing"
SINCE = "0.1"


def check(host: Host) -> Iterator[Problem]:
    """One problem, if root cannot do it."""
    if host.uid == 0 and host.features.get("tcp_repair") is False:
        right = "CAP_NET_ADMIN" in host.capabilities
        yield Problem(
            Severity.ERROR,
            Subject("host", host.hostname, {"host": host.hostname}),
            "Sockets cannot be put into repair mode here, so that no connection survives a dump: "
            + ("this kernel was built without it." if right else "CAP_NET_ADMIN is missing."),
            facts={"kernel": host.kernel_release},
            quotes=(Quote("host", "TCP_REPAIR refused"),),
            fixes=(Fix("Use a kernel with CONFIG_CHECKPOINT_RESTORE." if right else "Run it with CAP_NET_ADMIN."),),
        )
