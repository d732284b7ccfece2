"""CRIU could not suspend or read the seccomp filter of a task.

What it looks at
----------------
"suspending seccomp failed", refusals while filters are fetched or set.

Why it matters
--------------
A filtered task may not make the system calls that CRIU's parasite makes; the filter must be suspended meanwhile
(PTRACE_O_SUSPEND_SECCOMP, Linux 4.3). EINVAL means that the kernel is older, EPERM that CRIU lacks CAP_SYS_ADMIN or
is itself under a seccomp filter.

What to do
----------
With EINVAL use Linux 4.3 or later, or run the program without a filter (seccomp=unconfined). With EPERM give CRIU
CAP_SYS_ADMIN and run it unconfined.

When it is wrong
----------------
`criu check --all` lists the missing feature even if no task has a filter.

References
----------
compel/src/lib/ptrace.c (ptrace_suspend_seccomp); ptrace(2); criu/seccomp.c.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EPERM, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG044"
NAME = "seccomp-suspend"
SINCE = "0.1"

CAUSE = Cause(
    "CRIU could not suspend the seccomp filter of a task: the kernel is older than 4.3, or CRIU itself lacks "
    "CAP_SYS_ADMIN or runs under a filter.",
    (
        Sign(
            "suspending seccomp failed",
            "Invalid argument",
            message="CRIU could not suspend the seccomp filter of a task: this kernel is too old to "
            "know how (Linux 4.3).",
        ),
        Sign(
            "suspending seccomp failed",
            EPERM,
            message="CRIU could not suspend the seccomp filter of a task: it lacks CAP_SYS_ADMIN or runs under a "
            "seccomp filter itself.",
        ),
        Sign(("suspending seccomp failed", "couldn't suspend seccomp", "failed to suspend seccomp")),
        Sign(
            (
                "fetch filter on tid",
                "fetch seccomp metadata",
                "Unknown seccomp mode",
                "SECCOMP_SET_MODE_FILTER returned",
                "SECCOMP_MODE_FILTER not",
            )
        ),
        Sign(("Dumping seccomp filters not supported", "support PTRACE_O_SUSPEND_SECCOMP"), weight=Weight.PLACE),
        Sign(file="seccomp.c", weight=Weight.PLACE),
    ),
    advice(
        "Use Linux 4.3 or newer, or start the program without a seccomp filter.",
        "Run CRIU itself with CAP_SYS_ADMIN and without a seccomp filter.",
        docker="Start the container with --security-opt seccomp=unconfined.",
        podman="Start the container with --security-opt seccomp=unconfined.",
        kubernetes="Set securityContext.seccompProfile.type: Unconfined.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
