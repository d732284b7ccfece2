"""A handshake is in progress at a socket that is to be dumped.

What it looks at
----------------
Sockets in SYN_RECV on the ports of listening sockets of the process tree, and sockets of its own in SYN_RECV: both ends
called connect(2) at once.

Why it matters
--------------
A handshake in progress is no socket of the program, and no image holds it. A client that has not got the SYN-ACK
sends its SYN again and is served after the restore. One that has got it believes that it is connected, and is reset
when it sends. A socket of its own in SYN_RECV makes CRIU refuse the dump: it knows no such state.

What to do
----------
Nothing, if clients connect again by themselves. Else hold new connections back before the dump.

When it is wrong
----------------
Handshakes take one round trip: these may be complete by the time of the dump, and then they count as not accepted.

References
----------
criu/sockets.c (SYN_RECV is not asked for); net/ipv4/inet_connection_sock.c.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK023"
NAME = "handshake-in-progress"
SINCE = "0.1"
_HOLD_BACK = "Let no new connections come in for a moment before the dump, if that matters."
_WAIT = "Wait until the handshake is over, or let the program close the socket."


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each listener or socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(verdict, processes, Fix(_WAIT if verdict.answer is Answer.REFUSED else _HOLD_BACK))
