"""The process uses io_uring, which CRIU cannot dump.

What it looks at
----------------
A descriptor or a mapping of anon_inode:[io_uring].

Why it matters
--------------
The rings are memory that is shared with the kernel, with requests under way. CRIU has no support for them. Runtimes
use them on their own account: Node.js (libuv), .NET, database engines.

What to do
----------
Turn it off in the program (Node.js: UV_USE_IO_URING=0) or on the host (sysctl kernel.io_uring_disabled=2) and start
the program anew.

When it is wrong
----------------
Never: the kernel itself names the descriptor.

References
----------
criu/proc_parse.c, criu/files-ext.c; io_uring(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG058"
NAME = "io-uring"
SINCE = "0.1"

CAUSE = Cause(
    "The process uses io_uring, which CRIU cannot dump.",
    (
        Sign(("[io_uring]", "anon_inode:io_uring")),
        Sign(form=r"io_uring"),
        Sign(  # since Linux 6.7 no descriptor of a ring can be handed to another process (net/core/scm.c)
            "send_fds failed (-22)",
            file="parasite.c",
            message="The process has a descriptor that the kernel hands to nobody else, which is one of io_uring.",
        ),
    ),
    advice(
        "Turn io_uring off in the program and start it anew: UV_USE_IO_URING=0 for Node.js and libuv, an option of "
        "the database for others.",
        "Or for the whole host, before the program starts: `sysctl kernel.io_uring_disabled=2`.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
