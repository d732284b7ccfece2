"""A descriptor refers to a mount that is not visible in the process's mount namespace.

What it looks at
----------------
"Can't lookup mount=N for fd=..." and descriptors on overmounted mounts.

Why it matters
--------------
The file was opened before the mount namespace was set up, or from another one: a process started by docker exec or
nsenter, standard streams inherited from before pivot_root, a terminal of the host.

What to do
----------
Start the program as the container's own process, or let it reopen its standard streams inside (exec < /dev/null >
/dev/null 2>&1).

When it is wrong
----------------
Never about the descriptor; which program opened it the log does not say.

References
----------
criu/files-reg.c (dump_one_reg_file), criu/mount.c (lookup_nsid_by_mnt_id).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG055"
NAME = "fd-mount-not-visible"
SINCE = "0.1"

CAUSE = Cause(
    "A process holds a descriptor on a mount that its mount namespace does not contain: the file was opened outside "
    "(docker exec, nsenter, streams inherited from the host).",
    (
        Sign(
            "an't lookup mount=",
            r"mount=(?P<mount>-?\d+) for fd=(?P<fd>-?\d+) path=(?P<file>\S+)|lookup mount=",
        ),
        Sign("Open files on overmounted mounts are not supported"),
    ),
    advice(
        "Reopen the standard streams inside: `exec < /dev/null > /dev/null 2>&1` at the start of the program.",
        "Start it as the container's own process, not with exec or nsenter.",
        docker="Start the program with docker run, not with docker exec; leave -t away.",
        podman="Start the program with podman run, not with podman exec; leave -t away.",
        kubernetes="Start the program as the container's command, not with kubectl exec.",
        runc='Set "terminal": false in config.json and give the process files inside the container as standard '
        "streams.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
