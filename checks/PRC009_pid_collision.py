"""A process id that the images need is taken on this host.

What it looks at
----------------
The pids of the tasks in the images that are to be restored, and every process of this host, zombies among them.

Why it matters
--------------
CRIU gives each task the pid that it had. If another process has it, or if the dumped process is a zombie that its
parent has not reaped yet, the restore fails: `Can't fork for ...: File exists`.

What to do
----------
End what has the pid, or wait until the zombie's parent has reaped it (pid 1 may take some seconds); or restore into a
pid namespace of its own.

When it is wrong
----------------
Images of a container bring a pid namespace of their own: then these pids do not matter. It is recognised by a root
task with pid 1.

References
----------
criu/cr-restore.c (fork_with_pid); clone3(2), set_tid.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import restored
from workbench.evidence import ImageDirectory, Process, Target

CODE = "PRC009"
NAME = "pid-collision"
SINCE = "0.1"


def check(
    images: tuple[ImageDirectory, ...],
    processes: Mapping[int, Process],
    target: Target,
) -> Iterator[Problem]:
    """One problem for each pid that is taken."""
    image = restored(images, target)
    if image is None or image.root_pid == 1:
        return
    for task in image.tasks:
        taken = processes.get(task.pid)
        if taken is None:
            member = next((each for each in processes.values() if task.pid in {each.pgid, each.sid}), None)
            if member is not None:
                yield _group(task.pid, task.command, member, processes)
            continue
        zombie = taken.state == "Z"
        how = "is a zombie that its parent has not reaped" if zombie else f"runs as {taken.command}"
        same = taken.command == task.command and not zombie
        yield Problem(
            Severity.ERROR,
            process_subject(task.pid, processes),
            f"The images need pid {task.pid} for {task.command}, but {task.pid} {how}"
            + (": perhaps the very process that was dumped, and left running." if same else "."),
            facts={"pid": task.pid, "state": taken.state, "parent": taken.ppid},
            quotes=(Quote("processes", f"{taken.pid} {taken.command} state {taken.state} ppid {taken.ppid}"),),
            fixes=(
                Fix(
                    f"Wait until process {taken.ppid} has reaped it." if zombie else "End that process, if it may end."
                ),
                Fix("Or restore in a pid namespace of its own."),
            ),
        )


def _group(pid: int, command: str, member: Process, processes: Mapping[int, Process]) -> Problem:
    """No process has the number, but a process group or session of others still goes by it."""
    kind = "session" if member.sid == pid else "process group"
    return Problem(
        Severity.ERROR,
        process_subject(member.pid, processes),
        f"The images need pid {pid} for {command}, and {member.command} {member.pid} is still in the {kind} of that "
        "number: the kernel does not give it away until the last member has ended.",
        facts={"pid": pid, "member": member.pid},
        quotes=(Quote("processes", f"{member.pid} {member.command} pgid {member.pgid} sid {member.sid}"),),
        fixes=(Fix("End that process, if it may end."), Fix("Or restore in a pid namespace of its own.")),
    )
