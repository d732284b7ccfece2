"""The control groups of the dump cannot be used here.

What it looks at
----------------
Refusals of CRIU's cgroup code, and a freezer that does not freeze.

Why it matters
--------------
CRIU puts tasks back into the control groups they had. On another host, under another engine version or with cgroup v2
instead of v1 the directories, their modes or their controllers differ, and cpusets may name processors that are not
there.

What to do
----------
Let the engine own the groups: --manage-cgroups=ignore (or soft), or point CRIU to the right place with --cgroup-root.

When it is wrong
----------------
"cg: cgroupd: recv req error" comes after another failure and means nothing.

References
----------
criu/cgroup.c, criu/seize.c (freeze_processes); criu(8) --manage-cgroups, --cgroup-root.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG057"
NAME = "cgroup-restore"
SINCE = "0.1"

STUCK = joined(
    advice(
        "Find the task that does not stop: state D in `ps -eo pid,stat,wchan:30,args`. End what it waits for (a "
        "device, a network file system) and dump again.",
        docker="Unpause the container first if it is paused: docker unpause NAME.",
        podman="Unpause the container first if it is paused: podman unpause NAME.",
    ),
    handing_over("timeout", "60"),
)
"""What to do about a freezer that does not get to its end."""

CAUSE = Cause(
    "The control groups that the tasks had at the dump cannot be made or entered here: their directories, modes or "
    "controllers differ.",
    (
        Sign(
            form=r"^(?!.*(?:cgroupd: (?:recv|send)|via cgroupd|from cgroupd|to cgroupd)).*",
            file="cgroup.c cgroup-props.c",
        ),
        Sign(
            "nable to freeze cgroup",
            message="The control group of the container could not be frozen in time: a task does not stop (it waits "
            "for a device or a network file system), or the freezer does not work here.",
            advice=STUCK,
        ),
        Sign(
            "Timeout reached. Try to interrupt",
            before=r"freezer\.state=FREEZING|freezing processes: \d|freezing cgroup",
            message="The control group of the container could not be frozen in time: a task does not stop (it waits "
            "for a device or a network file system), or the freezer does not work here.",
            advice=STUCK,
        ),
        Sign(
            (
                "cgroup.freeze) control file found",
                "Unknown freezer state",
                "Unable to freeze tasks",
                "Unable to thaw tasks",
            )
        ),
    ),
    joined(
        advice("Let the engine own the control groups, or name the right place with --cgroup-root."),
        handing_over("manage-cgroups", "ignore"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
