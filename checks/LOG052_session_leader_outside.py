"""The session leader of a dumped process is not part of the tree.

What it looks at
----------------
"A session leader of N is outside of its pid namespace", "is not a session leader. Consider using --shell-job".

Why it matters
--------------
A process belongs to a session, whose leader is usually a shell. CRIU must restore the session id, and can only do
that if the leader is part of the tree, or if it is told that the process is a shell's job.

What to do
----------
Start the program with setsid, so that it leads its own session; or pass --shell-job at the dump and at the restore,
from a terminal. Where the leader is outside of the pid namespace, only the first helps.

When it is wrong
----------------
Never about the refusal.

References
----------
criu/cr-dump.c (dump_one_task), criu/pstree.c; setsid(1); criu(8) --shell-job.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG052"
NAME = "session-leader-outside"
SINCE = "0.1"

CAUSE = Cause(
    "A process belongs to a session whose leader (usually the shell that started it) is outside the dumped tree or "
    "its pid namespace.",
    (
        Sign("A session leader of", r"session leader of (?:zombie process )?(?P<pid>\d+)"),
        Sign(
            (
                "is not a session leader",
                "an't find a session leader for",
                "doesn't match inherited",
                "Can't figure out which sid",
            )
        ),
        Sign(("Can't restore sid", "Can't restore pgid"), weight=Weight.HINT),
    ),
    joined(
        advice(
            "Start the program with setsid, its standard streams redirected: `setsid PROGRAM < /dev/null > out 2>&1 "
            "&`.",
            docker="Do not start the program with docker exec: let it be the container's own process.",
        ),
        handing_over("shell-job"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
