"""A process of the tree is being traced by a debugger.

What it looks at
----------------
The state of every process of the tree that is to be dumped.

Why it matters
--------------
CRIU takes hold of a process by ptrace(2), and a process has one tracer only. Under strace, gdb or another CRIU the
dump fails: `Unable to seize ...: Operation not permitted`.

What to do
----------
End the debugger, or let it detach.

When it is wrong
----------------
A process that was in that state at the moment of looking only.

References
----------
ptrace(2), PTRACE_SEIZE; criu/seize.c.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import dumped_processes
from workbench.evidence import Process, Target

CODE = "PRC008"
NAME = "already-traced"
SINCE = "0.1"


def check(processes: Mapping[int, Process], target: Target) -> Iterator[Problem]:
    """One problem for each process in tracing stop."""
    for process in dumped_processes(processes, target):
        if process.state == "t":
            yield Problem(
                Severity.ERROR,
                process_subject(process.pid, processes),
                "It is stopped by a debugger, and CRIU cannot take hold of a process that is being traced.",
                facts={"state": process.state},
                quotes=(Quote("processes", f"{process.pid} {process.command} state t"),),
                fixes=(Fix("End the debugger (gdb, strace) that traces it."),),
            )
