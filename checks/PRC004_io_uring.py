"""A process of the tree uses io_uring, which CRIU cannot dump.

What it looks at
----------------
Open io_uring descriptors of the process tree that is to be dumped.

Why it matters
--------------
The rings are shared between the program and the kernel, and no kernel interface tells what is in flight in them. CRIU
stops: `Unknown shit 600 (anon_inode:[io_uring])`.

What to do
----------
Turn io_uring off in the program (MariaDB: `innodb_use_native_aio=0`; Node: `UV_USE_IO_URING=0`), or forbid it on the
host before the program starts: `sysctl kernel.io_uring_disabled=2`.

When it is wrong
----------------
A newer CRIU may learn it.

References
----------
criu/files.c; Documentation/admin-guide/sysctl/kernel.rst, io_uring_disabled.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, process_subject
from workbench.checking.targets import dumped
from workbench.evidence import Descriptor, DescriptorKind, Gap, Process, Target

CODE = "PRC004"
NAME = "io-uring"
SINCE = "0.1"


def check(
    descriptors: tuple[Descriptor, ...],
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each process with a ring."""
    rings = [item for item in descriptors if item.kind is DescriptorKind.IO_URING and item.pid in dumped(target)]
    for pid in dict.fromkeys(item.pid for item in rings):
        fds = [item.fd for item in rings if item.pid == pid]
        yield Problem(
            Severity.ERROR,
            process_subject(pid, processes),
            f"It uses io_uring (descriptor {listed(fds)}), and CRIU cannot dump what is in flight there.",
            facts={"fds": fds},
            quotes=tuple(Quote("descriptors", f"{pid} fd {fd} -> anon_inode:[io_uring]") for fd in fds[:3]),
            fixes=(
                Fix("Turn io_uring off in the program's configuration and restart it."),
                Fix("Or forbid it on this host before the program starts.", ("sysctl", "kernel.io_uring_disabled=2")),
            ),
        )
