"""A socket belongs to another network namespace than the process that has it open.

What it looks at
----------------
The network namespace of every socket of the tree (SIOCGSKNS), against that of its process. A program that made the
socket and then moved, or was handed it, has such sockets; container runtimes and VPN programs do that.

Why it matters
--------------
CRIU lists the sockets of the namespaces of the dumped processes. A connection that is not in these lists ends the
dump (`Socket state 1 obtained but expected 7`, `Unix socket not found`, `Can't find packet socket`). A socket that is
neither connected nor listening is taken for a new one, and after the restore it lives in the namespace of its
process: UDP and netlink sockets then talk to the wrong network, in silence.

What to do
----------
Let the program close the socket before the dump, or dump it together with a process that lives in the namespace of
the socket.

When it is wrong
----------------
Several namespaces are dumped together, as in a container with inner namespaces.

References
----------
criu/sk-inet.c (gen_uncon_sk); criu/sockets.c; network_namespaces(7), SIOCGSKNS in net/socket.c.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK016"
NAME = "socket-of-other-namespace"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(verdict, processes, Fix("Let the program close this socket before the dump."))
