"""A process of the tree belongs to a session or process group whose leader is not in the tree.

What it looks at
----------------
Session and process group of every process of the tree that is to be dumped.

Why it matters
--------------
CRIU makes the tree again from its root, and a session can only be made by its leader. If the leader is outside (a
shell that started the program), the dump fails: `The root process ... is not a session leader`, unless `--shell-job`
is given. If the leader is even outside of the pid namespace (a program that `docker exec`, `nsenter` or `unshare --pid`
started), no option helps: `A session leader of ... is outside of its pid namespace`.

What to do
----------
Start the program in a session of its own: `setsid program`; service managers do that. Or add `--shell-job`, where the
leader is in the same pid namespace.

When it is wrong
----------------
With `--shell-job`, which the workbench's plan adds by itself, a leader of the same pid namespace is no obstacle.

References
----------
criu/pstree.c, criu/cr-dump.c; setsid(1), setsid(2).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import dumped, dumped_processes
from workbench.evidence import Process, Target

CODE = "PRC005"
NAME = "session-leader-outside"
SINCE = "0.1"


def check(processes: Mapping[int, Process], target: Target) -> Iterator[Problem]:
    """One problem for each foreign session, told at the first process in it."""
    pids = dumped(target)
    seen: set[int] = set()
    for process in dumped_processes(processes, target):
        if process.sid in pids or process.sid in seen:
            continue
        seen.add(process.sid)
        foreign = process.has_foreign_session
        yield Problem(
            Severity.ERROR if foreign else Severity.WARNING,
            process_subject(process.pid, processes),
            f"It is in the session of {_leader(process, processes)}, outside of what is dumped: CRIU refuses this"
            + (", whatever option is given." if foreign else " without --shell-job."),
            facts={"sid": process.sid, "pgid": process.pgid},
            quotes=(Quote("processes", f"{process.pid} {process.command} sid {process.sid}"),),
            fixes=(_SETSID,) if foreign else (_SETSID, _SHELL_JOB),
            follows=("tty-external",),
        )


_SETSID = Fix("Start the program in a session of its own: setsid PROGRAM")
_SHELL_JOB = Fix("Or add --shell-job to the dump and to the restore.")


def _leader(process: Process, processes: Mapping[int, Process]) -> str:
    leader = processes.get(process.sid)
    name = f"{leader.command} {process.sid}" if leader else ""
    if process.has_foreign_session:
        return f"{name or 'a process'} of an outer pid namespace"
    return name or f"{process.sid}, which has ended"
