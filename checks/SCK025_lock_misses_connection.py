"""CRIU's network lock will not hold this connection: what its peer sends meanwhile is answered with a reset.

What it looks at
----------------
The addresses of each connection of the process tree that is to be dumped, and how connection tracking translates them
in their network namespace.

Why it matters
--------------
Between the dump and the restore no socket is there. CRIU's lock drops what the peer sends, so that the kernel does not
answer it with a reset. It names the addresses of the socket, and two kinds of connection pass it. One to an address
that rules of the same namespace lead to another one (DNAT in the output hook: a Kubernetes service address used by a
process of the host, a published port used on its own host): where the lock looks at them, its packets bear the other
address. And one with an IPv6 address whose third 32 bits are 0000:ffff, which CRIU takes for IPv4. It reports success
all the same.

What to do
----------
Make sure that the peer is quiet until the restore, or add a rule of your own that drops its packets meanwhile and lets
the mark 0xc114 through. Or let the program connect to the real address. A container engine, which locks the whole
network namespace of the container, does not have this gap.

When it is wrong
----------------
A peer that sends nothing between the dump and the restore notices nothing.

References
----------
criu/netfilter.c (nf_connection_switch, ipv6_addr_mapped); net/netfilter/nf_nat_core.c; linux/netfilter_ipv4.h
(NF_IP_PRI_NAT_DST comes before, NF_IP_PRI_NAT_SRC after NF_IP_PRI_FILTER).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK025"
NAME = "lock-misses-connection"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each connection."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Keep the peer quiet until the restore, or drop its packets by a rule of your own meanwhile."),
            Fix("Let the program connect to the address that it is led to, without translation."),
            then=". If its peer sends anything before the restore, the kernel answers with a reset, and the connection "
            "is lost.",
        )
