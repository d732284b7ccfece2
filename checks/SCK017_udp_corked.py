"""A UDP socket is corked, and CRIU refuses to dump it.

What it looks at
----------------
UDP_CORK on the UDP sockets of the process tree that is to be dumped.

Why it matters
--------------
A corked socket holds a datagram that is not complete. CRIU has no way to read it, and refuses: `Can't dump corked
dgram socket`.

What to do
----------
Try again: a program corks a socket for moments only. If it stays corked, the program forgot to uncork it.

When it is wrong
----------------
The program has uncorked the socket since this was looked at.

References
----------
criu/sk-inet.c (do_dump_one_inet_fd); udp(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK017"
NAME = "udp-corked"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Try again in a moment; a program corks a socket for as long as it writes one datagram."),
            then=". CRIU refuses to dump it.",
        )
