"""A socket is bound to an address that its network namespace does not have, and CRIU cannot bind it again.

What it looks at
----------------
The local addresses of TCP and UDP sockets of the process tree that is to be dumped, against the addresses of their
network namespace.

Why it matters
--------------
IP_FREEBIND, IP_TRANSPARENT and the sysctl ip_nonlocal_bind allow a bind to an address that is not there (transparent
proxies and high-availability pairs do that). CRIU binds first and sets IP_FREEBIND afterwards, and does not save
IP_TRANSPARENT at all: the dump succeeds and the restore fails with `Cannot assign requested address`. For IPv6 it
sets IPV6_FREEBIND first, so that listening sockets come back.

What to do
----------
Add the address before the restore, or set net.ipv4.ip_nonlocal_bind while CRIU restores (listening and UDP sockets
only).

When it is wrong
----------------
The address is taken away from this host on purpose, and will be on the one where the restore takes place.

References
----------
criu/sk-inet.c (open_inet_sk, inet_bind); soccr/soccr.c; ip(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK013"
NAME = "address-not-on-host"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("See to it that the address is there when the process is restored."),
            Fix(
                "Or allow such a bind while CRIU restores: net.ipv4.ip_nonlocal_bind=1.",
                ("sysctl", "net.ipv4.ip_nonlocal_bind=1"),
            ),
            then=". The dump would succeed and no restore after it.",
        )
