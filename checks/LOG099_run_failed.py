"""The run failed, and this library does not know why.

What it looks at
----------------
The last words of the log and its first error.

Why it matters
--------------
Not every failure is known. What CRIU could not do stands in its first error line; all later ones follow from it.

What to do
----------
Read the first error and the lines before it. Run again with -v4 if the log is short.

When it is wrong
----------------
Where a known cause is found as well, this finding only says how far the run came.

References
----------
criu(8) -v; https://criu.org/When_C/R_fails
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG099"
NAME = "run-failed"
SINCE = "0.1"

CAUSE = Cause(
    "The dump or restore failed, and the log shows no cause that is known here.",
    (
        Sign(
            form=r".",
            weight=Weight.REST,
            message="CRIU met an error that is not known here: read this line and the ones before it.",
        ),
        Sign(
            ("Dumping FAILED", "dumping FAILED"),
            weight=Weight.REST,
            message="The dump failed, and the log shows no cause that is known here.",
        ),
        Sign(
            "Restoring FAILED",
            weight=Weight.REST,
            message="The restore failed, and the log shows no cause that is known here.",
        ),
        Sign(
            ("criu failed", "CRIU checkpointing failed", "CRIU restoring failed", "criu process exited"),
            weight=Weight.REST,
            message="CRIU failed, and this output does not say why: look at the log file that it names.",
        ),
    ),
    advice(
        "Read the first error of CRIU's log and the lines before it; run again with -v4 if there are none.",
        docker="Look at the log that docker names, or at dump.log and restore.log below /run/containerd or the "
        "checkpoint directory.",
        podman="Look at dump.log or restore.log in the container's userdata directory; podman container checkpoint "
        "--keep leaves it there.",
        kubernetes="Look at the log of the runtime on the node, and at dump.log or restore.log in the container's "
        "directory.",
        lxd="Look at the log of the container's migration: `lxc info NAME --show-log`, and dump.log or restore.log "
        "below the log directory.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
