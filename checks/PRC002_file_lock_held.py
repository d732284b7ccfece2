"""A process of the tree holds a file lock, which CRIU saves only if it is told to.

What it looks at
----------------
Locks on the open files of the process tree that is to be dumped (flock, fcntl, leases).

Why it matters
--------------
Without `--file-locks` CRIU refuses to dump a process that holds a lock, since another process might take it
meanwhile. etcd, rsync, MariaDB and Varnish hold such locks.

What to do
----------
Add `--file-locks` to the dump and to the restore; the workbench's own dump does.

When it is wrong
----------------
A lock that is released before the dump.

References
----------
criu/file-lock.c; criu(8), --file-locks; flock(2), fcntl(2).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, process_subject
from workbench.checking.targets import dumped
from workbench.evidence import Descriptor, Gap, Process, Target

CODE = "PRC002"
NAME = "file-lock-held"
SINCE = "0.1"


def check(
    descriptors: tuple[Descriptor, ...],
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each process that holds locks."""
    locked: dict[int, list[Descriptor]] = defaultdict(list)
    for item in descriptors:
        if item.locked and item.pid in dumped(target):
            locked[item.pid].append(item)
    for pid, held in locked.items():
        yield Problem(
            Severity.WARNING,
            process_subject(pid, processes),
            f"It holds a lock on {listed(item.target for item in held)}: the dump needs --file-locks, and so does the "
            "restore.",
            facts={"files": [item.target for item in held]},
            quotes=tuple(Quote("descriptors", f"{pid} fd {item.fd} -> {item.target} locked") for item in held[:3]),
            fixes=(Fix("Add --file-locks to the dump and to the restore."),),
        )
