"""A socket has an eBPF filter, and CRIU fails when it asks for its text.

What it looks at
----------------
Whether a socket of the process tree that is to be dumped has a filter attached by SO_ATTACH_BPF. It is told by the
error of SO_GET_FILTER: the kernel gives back classic filters only.

Why it matters
--------------
CRIU asks for the filter of each socket and takes the error for a failure: `Can't get socket filter len: Permission
denied`, which sounds like a missing privilege and is none. Classic filters (SO_ATTACH_FILTER) are saved and restored.

What to do
----------
Let the program take the filter off (SO_DETACH_FILTER) before the dump and attach it again after the restore.

When it is wrong
----------------
A CRIU that passes over such filters; none does up to 4.2.1.

References
----------
criu/sockets.c (dump_socket_filter); net/core/filter.c (sk_get_filter); socket(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK015"
NAME = "bpf-socket-filter"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Let the program detach the filter before the dump."),
            then=", and CRIU refuses to dump the socket.",
        )
