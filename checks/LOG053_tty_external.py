"""A terminal of the process ends outside the tree, or none is there to inherit.

What it looks at
----------------
Refusals of CRIU's terminal code: dangling terminals, a master that is not part of the tree, "Don't have tty to
inherit session from".

Why it matters
--------------
A terminal has two ends. The shell's or the engine's end is outside the dumped tree; CRIU must be told to inherit one
at the restore, and then there must be one.

What to do
----------
Start the program without a terminal (setsid, streams redirected; containers without -t), or pass --shell-job at the
dump and at the restore and run the restore from a real terminal (script -qc "criu restore ..." gives one).

When it is wrong
----------------
"Can't set tty params ... trying to skip" is harmless.

References
----------
criu/tty.c; criu(8) --shell-job, --external tty[...].
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG053"
NAME = "tty-external"
SINCE = "0.1"

CAUSE = Cause(
    "A terminal of the process has its other end outside the dumped tree, or the restore has no terminal to take its "
    "place.",
    (
        Sign(
            (
                "Don't have tty to inherit session from",
                "Found dangling tty with sid",
                "ctty inheritance detected",
                "Only one slave external peer",
                "without correspond master peer",
                "nable to find a master for",
                "isn't from the root mntns",
                "Too many external terminals",
                "nable to find a tty driver",
                "No task found with sid",
                "tty: Unexpected TTY",
                "trying to restore a tty",
            )
        ),
        Sign(
            "an't open file",
            r"an't open file /?dev/(?:tty|ptmx|pts/\w+|console)\b.*(?:No such device|Input/output error|No such file)",
            weight=Weight.SURE,
            message="A process had its controlling terminal open, and the restore has no such terminal.",
        ),
        Sign(file="tty.c", weight=Weight.CAUSE),
    ),
    joined(
        advice(
            "Start the program without a terminal: `setsid PROGRAM < /dev/null > out 2>&1 &`, or the container "
            "without -t.",
            "Or restore from a real terminal: `script -qc 'criu restore --shell-job ...' /dev/null`.",
        ),
        handing_over("shell-job"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
