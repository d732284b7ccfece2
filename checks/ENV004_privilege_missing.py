"""Whoever runs this lacks privilege that a dump or a restore needs.

What it looks at
----------------
The effective user id and capabilities.

Why it matters
--------------
CRIU takes hold of foreign processes (CAP_SYS_PTRACE), maps files by their inode (CAP_SYS_ADMIN or
CAP_CHECKPOINT_RESTORE), turns sockets into repair mode and sets the network lock (CAP_NET_ADMIN), and sends raw
packets to half-closed connections (CAP_NET_RAW).

What to do
----------
Run it as root, on the host and not in a container.

When it is wrong
----------------
Without a target nothing is meant to be dumped; then this is not reported.

References
----------
capabilities(7); criu(8), --unprivileged.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import listed
from workbench.evidence import Host, Target

CODE = "ENV004"
NAME = "privilege-missing"
SINCE = "0.1"

NEEDED = ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_DAC_OVERRIDE")


def check(host: Host, target: Target) -> Iterator[Problem]:
    """One problem that names all that is missing."""
    missing = [name for name in NEEDED if name not in host.capabilities]
    if missing:
        yield Problem(
            Severity.ERROR,
            Subject("host", host.hostname, {"host": host.hostname}),
            f"A {target.operation} needs root; uid {host.uid} lacks {listed(missing, 5)}.",
            facts={"uid": host.uid, "missing": missing},
            quotes=(Quote("host", f"uid {host.uid}, {len(host.capabilities)} capabilities"),),
            fixes=(Fix("Run it as root, outside of any container."),),
        )
