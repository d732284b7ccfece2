"""Clients are in the middle of their handshake with a listener that is to be dumped.

What it looks at
----------------
Sockets in SYN_RECV on the ports of listening sockets of the process tree.

Why it matters
--------------
A handshake in progress is no socket of the program, and no image holds it. A client that has not got the SYN-ACK
sends its SYN again and is served after the restore. One that has got it believes that it is connected, and is reset
when it sends.

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
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "SCK023"
NAME = "handshake-in-progress"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each listener."""
    for verdict in caused(verdicts, NAME):
        yield Problem(
            severity(verdict),
            subject(verdict, processes),
            f"{what(verdict)}: {verdict.reason}.",
            facts=verdict.facts,
            quotes=quotes(verdict),
            fixes=(Fix("Let no new connections come in for a moment before the dump, if that matters."),),
        )
