"""A process has a kernel object open that CRIU does not know.

What it looks at
----------------
Descriptors of the tree that have no path (`anon_inode:` in /proc/PID/fd). CRIU knows eventfd, epoll, timerfd,
signalfd, inotify, fanotify, pidfd and BPF maps.

Why it matters
--------------
Anything else ends the dump: `Can't dump file 4 of that type [600] (anon anon_inode:[perf_event])`. Programs under
observation (perf, BPF), virtual machines (kvm) and programs with user-space paging (userfaultfd) have such objects.

What to do
----------
Turn the feature off in the program, or detach the tool that observes it.

When it is wrong
----------------
A plugin for CRIU handles the object, as there is for some GPUs.

References
----------
criu/files.c (dump_one_file), criu/files-ext.c.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "PRC012"
NAME = "anonymous-fd-unsupported"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each descriptor."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Turn off what uses it, or detach the tool that observes the program."),
            then=". CRIU refuses the dump.",
        )
