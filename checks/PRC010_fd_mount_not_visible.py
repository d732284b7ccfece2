"""A process has a file open on a mount that no process of its tree sees.

What it looks at
----------------
The mount of every file, directory, device and terminal that the tree has open (mnt_id in /proc/PID/fdinfo), against
the mounts of its mount namespaces. Files handed in by `docker exec`, opened before pivot_root(2), or on a file system
that was unmounted lazily, are such.

Why it matters
--------------
CRIU opens a file again by its path, and without the mount there is none: `Can't lookup mount=43 for fd=4 path=/file`.
Standard streams of container runtimes are the usual case; a log file of the host as standard output is one.

What to do
----------
Start the program with its standard streams on /dev/null or on a file inside its container; let it close or open again
the others.

When it is wrong
----------------
The engine gives the mount to CRIU by --external mnt[...] or --inherit-fd.

References
----------
criu/files-reg.c (dump_one_reg_file), criu/mount.c (lookup_mnt_id); proc(5).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "PRC010"
NAME = "fd-mount-not-visible"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each descriptor."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Let the program open the file again by a path that it sees, or start it with /dev/null instead."),
            then=". CRIU refuses the dump.",
        )
