"""A process watches another by a pidfd, which is not dumped.

What it looks at
----------------
Pidfds of the process tree that is to be dumped, and the processes that they stand for.

Why it matters
--------------
CRIU makes a pidfd again from the process that it restored. One that stands for a process outside of the tree has
none, and the dump ends: `pidfd pid 4711 is not a part of process tree`. Supervisors and programs with an event loop
(asyncio, systemd's libraries) keep pidfds. CRIU before 4.1 refuses every pidfd.

What to do
----------
Dump the tree that both processes belong to, or let the program close the pidfd.

When it is wrong
----------------
The process that it watched has ended: newer kernels tell no pid then, and CRIU restores such a pidfd.

References
----------
criu/pidfd.c; pidfd_open(2).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "PRC011"
NAME = "pidfd-outside"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each descriptor."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Dump from the common parent on, or let the program close the pidfd."),
            then=". CRIU refuses the dump.",
        )
