"""A process of the tree belongs to a session or process group whose leader is not in the tree.

What it looks at
----------------
Session and process group of every process of the tree that is to be dumped.

Why it matters
--------------
CRIU makes the tree again from its root, and a session can only be made by its leader. If the leader is outside (a
shell that started the program), the dump fails: `A session leader of ... is outside of its pid namespace`, unless
`--shell-job` is given.

What to do
----------
Start the program in a session of its own: `setsid program`; service managers do that. Or add `--shell-job`.

When it is wrong
----------------
With `--shell-job`, which the workbench's plan adds by itself, this is no obstacle.

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
        who = _leader(process.sid, processes)
        yield Problem(
            Severity.WARNING,
            process_subject(process.pid, processes),
            f"It is in the session of {who}, outside of what is dumped: CRIU refuses this without --shell-job.",
            facts={"sid": process.sid, "pgid": process.pgid},
            quotes=(Quote("processes", f"{process.pid} {process.command} sid {process.sid}"),),
            fixes=(
                Fix("Start the program in a session of its own: setsid PROGRAM"),
                Fix("Or add --shell-job to the dump and to the restore."),
            ),
            follows=("tty-external",),
        )


def _leader(sid: int, processes: Mapping[int, Process]) -> str:
    if sid == 0:  # proc_pid_status: the number that a process of an outer pid namespace has here
        return "a process of an outer pid namespace"
    leader = processes.get(sid)
    return f"{leader.command} {sid}" if leader else f"{sid}, which has ended"
