"""A process id that the images need is taken.

What it looks at
----------------
"Can't fork for N: File exists", pids that do not match, session or group ids that intersect with those of the images.

Why it matters
--------------
A process comes back with the pid it had. If the original still runs, is a zombie that its parent has not reaped, or
anybody else (a thread, a session, a group) got the number meanwhile, the restore stops before anything is opened; the
lock stays and a second try works.

What to do
----------
End the whole original tree and let its parent reap it (`ps -o pid,ppid,stat,args -p PID`), or restore in a fresh pid
namespace: criu-ns restore, or in a container.

When it is wrong
----------------
Never about the number being taken.

References
----------
criu/cr-restore.c (fork_with_pid), criu/pstree.c; clone3(2) EEXIST.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG051"
NAME = "pid-collision"
SINCE = "0.1"

CAUSE = Cause(
    "A process id of the images is taken on this host: by the original that still runs or is a zombie, by an earlier "
    "copy, or by somebody else.",
    (
        Sign("an't fork for", r"an't fork for (?P<pid>\d+): File exists"),
        Sign("do not match expected", r"Pid (?P<got>-?\d+) do not match expected (?P<pid>\d+)"),
        Sign("intersects with", r"Current (?:sid|gid|pid) (?P<pid>\d+) intersects"),
        Sign("on procfs: Not a directory", r"an't open \d+/\w+ on procfs"),
        Sign(
            (
                "Thread pid mismatch",
                "Conflict with a dead task with the same PID",
                "needs to be 1 and not",
                "First PID in a PID namespace",
            )
        ),
        Sign("nable to create a thread", r"-17\b"),
        Sign(
            "can only be restored in a new pid namespace",
            message="The tree can only come back in a pid namespace of its own: its ids belong to somebody else here.",
        ),
        Sign(("Setting PID failed", "clone3"), r"File exists|EEXIST|Setting PID failed", weight=Weight.HINT),
    ),
    advice(
        "End the whole original tree and its leftovers, and see that zombies are reaped: `ps -o pid,ppid,stat,args "
        "-p PID`.",
        "Or restore in a pid namespace of its own: `criu-ns restore ...`, or inside a container.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
