"""A deleted file is open that is larger than CRIU takes along by itself.

What it looks at
----------------
Regular files of the process tree that have no name any more, and the space they take.

Why it matters
--------------
Nothing but the image can hold the contents of such a file. CRIU copies up to 1 MiB; for more it wants to be told:
`Can't dump ghost file ... of 2101248 size, increase limit`. Databases and log rotation leave such files.

What to do
----------
Give the limit to the dump, and see that there is room for the file in the image directory.

When it is wrong
----------------
The file is sparse: holes are not counted.

References
----------
criu/files-reg.c (dump_ghost_remap); criu(8), --ghost-limit.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "PRC014"
NAME = "large-deleted-file"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each descriptor."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix(f"Add {verdict.option} to the dump."),
            Fix("Or let the program close the file."),
            then=f", and CRIU refuses more than 1 MiB unless {verdict.option} is given.",
        )
