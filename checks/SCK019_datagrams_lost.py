"""Datagrams or packets wait in a socket, and will be lost.

What it looks at
----------------
UDP, raw and packet sockets of the process tree that is to be dumped, and whether something waits in them.

Why it matters
--------------
CRIU restores these sockets, but empty. For UDP it says so in a warning (`Read queue is dropped`), for the others it
says nothing. Packets are lost on any network, and programs that use such sockets must bear it, but here nobody sends
them again because of a missing acknowledgement of the kernel.

What to do
----------
Nothing, if the protocol on top of it repeats what was lost. Else try again when the program has read them.

When it is wrong
----------------
The program has read them since this was looked at.

References
----------
criu/sk-inet.c (can_dump_inet_sk), criu/sk-packet.c; udp(7), packet(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK019"
NAME = "datagrams-lost"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(verdict, processes, Fix("Try again when the program has read what waits, if the loss matters."))
