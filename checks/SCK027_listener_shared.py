"""Others listen on the same port and take over while a listener is dumped.

What it looks at
----------------
Listening sockets of the process tree, and listening sockets of other processes in the same network namespace on the
same address and port, or on the wildcard address with this port. Two can only stand there with SO_REUSEPORT.

Why it matters
--------------
The kernel spreads new connections over all of them. When the dumped one is gone, its share goes to the others at once:
no client is refused, and none waits for the restore. What waits in its own queue does not go along: connections that
were not accepted make CRIU refuse the dump or, with --skip-in-flight, are reset; with
`sysctl net.ipv4.tcp_migrate_req=1` the kernel gives them to another socket of the group instead when the listener is
closed. After the restore the socket is one of the group again.

What to do
----------
Nothing, if the others do the same work. If clients must find this very process (sessions kept in memory), let the
others stop listening first, or have new connections wait.

When it is wrong
----------------
A BPF program that chooses among the group (SO_ATTACH_REUSEPORT_EBPF) may have sent nothing to the others. Processes of
different users cannot share a port: whom the kernel would have chosen is then not asked.

References
----------
socket(7), SO_REUSEPORT; net/core/sock_reuseport.c (reuseport_migrate_sock); Documentation/networking/ip-sysctl.rst,
tcp_migrate_req. The idea is TCP Handoff's: another server takes what this one cannot.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK027"
NAME = "listener-shared"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each listener that others stand in for."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict, processes, Fix("Nothing, if they do the same work; else let them stop listening before the dump.")
        )
