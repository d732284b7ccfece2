"""The tree has namespaces inside of each other, which CRIU does not save.

What it looks at
----------------
Pid, user and time namespaces of every process of the tree that is to be dumped.

Why it matters
--------------
CRIU can make the namespaces of the tree's root again, but not a second layer inside of it (a container in the
container, a sandbox of a browser or of systemd): it stops with `Can't dump nested pid namespace` or `Can't dump
nested user namespace`.

What to do
----------
Dump the inner container by itself, or the outer one without it.

When it is wrong
----------------
A network namespace, mount namespace or cgroup of its own is no obstacle.

References
----------
criu/namespaces.c; pid_namespaces(7), user_namespaces(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import dumped_processes
from workbench.evidence import Process, Target

CODE = "PRC007"
NAME = "namespace-unsupported"
SINCE = "0.1"

KINDS = ("pid", "user")


def check(processes: Mapping[int, Process], target: Target) -> Iterator[Problem]:
    """One problem for each kind, told at the first process that is deeper than the root of the tree."""
    tree = list(dumped_processes(processes, target))
    members = {process.pid for process in tree}
    roots = [process for process in tree if process.ppid not in members]
    for kind in KINDS:
        outer = {getattr(process.namespaces, kind) for process in roots}
        deeper = [
            process for process in tree if getattr(process.namespaces, kind) not in {None, *outer} and None not in outer
        ]
        if deeper:
            first = deeper[0]
            yield Problem(
                Severity.ERROR,
                process_subject(first.pid, processes),
                f"It runs in a {kind} namespace inside of that of the tree's root, and CRIU dumps one layer only.",
                facts={"namespace": kind, "pids": [process.pid for process in deeper]},
                quotes=(Quote("processes", f"{first.pid} {kind}:[{getattr(first.namespaces, kind)}]"),),
                fixes=(
                    Fix(
                        "Dump the inner container by itself.",
                        ("workbench", "check", "--for", "dump", "--pid", str(first.pid)),
                    ),
                ),
            )
