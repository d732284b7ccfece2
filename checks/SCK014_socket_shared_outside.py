"""A process that is not dumped has one of these sockets open, too.

What it looks at
----------------
Which processes of the host hold the sockets of the tree that is to be dumped. A server that was handed its listening
socket by another program, or a worker whose parent stays behind, has such sockets.

Why it matters
--------------
The socket does not go away with the dumped tree. A connection stays behind in repair mode, where the other process
can neither send nor receive, and at the restore it exists already (`Can't connect inet socket back`). A listening
port is still taken (`Address already in use`). The dump itself succeeds.

What to do
----------
Dump the whole tree that shares the socket, beginning at the common parent; or let the other process close it.

When it is wrong
----------------
The other process ends before the restore. With --leave-running nothing is restored, but the connection was in repair
mode while both processes had it.

References
----------
soccr/soccr.c; criu/sk-inet.c (open_inet_sk); net/ipv4/tcp.c (TCP_REPAIR).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK014"
NAME = "socket-shared-outside"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Dump the tree that all holders belong to, or let the others close the socket first."),
        )
