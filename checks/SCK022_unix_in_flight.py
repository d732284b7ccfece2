"""Somebody connected to a unix socket and was not accepted; the dump cuts them off.

What it looks at
----------------
Listening unix sockets of the process tree that is to be dumped, and whether a connection waits in them.

Why it matters
--------------
CRIU restores the listening socket with an empty queue and says nothing. The client was connected as far as it knows,
and reads the end of the stream when the dumped process ends. For TCP, CRIU refuses the dump in the same situation.

What to do
----------
Try again when the program has accepted them.

When it is wrong
----------------
The program has accepted them since this was looked at.

References
----------
criu/sk-unix.c; unix(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK022"
NAME = "unix-in-flight"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(verdict, processes, Fix("Try again when the program has accepted them."))
