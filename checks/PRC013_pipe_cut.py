"""A pipe leads to a process that is not dumped; after the restore nobody is at its other end.

What it looks at
----------------
Pipes of the process tree that is to be dumped, and who holds their other ends. A program whose output goes through `|
tee` or to a log collector has such a pipe.

Why it matters
--------------
CRIU restores the pipe and what is in it, but no process has the other end any more: a reader gets the end of the
file, a writer is ended by SIGPIPE at its next line. The dump and the restore succeed without a warning.

What to do
----------
Start the program with its output in a file or the journal, or hand the restore a new pipe (--inherit-fd).

When it is wrong
----------------
The engine that restores hands in new pipes; container runtimes do.

References
----------
criu/pipes.c; pipe(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "PRC013"
NAME = "pipe-cut"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each descriptor."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Start the program with its output in a file instead of a pipe."),
            Fix("Or give the restore another pipe: --inherit-fd fd[N]:pipe[INODE]"),
        )
