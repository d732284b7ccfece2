"""A process of the tree belongs to another user, and this root may not dump it.

What it looks at
----------------
The user ids of every process of the tree that is to be dumped, and the capabilities of whoever runs the dump.

Why it matters
--------------
Root in a container or a small virtual machine often lacks CAP_SYS_RESOURCE. Without it CRIU cannot read the resource
limits of a process with another uid, and fails with `Can't get rlimit 0: Operation not permitted`: nginx workers,
PostgreSQL and everything else that gives up root.

What to do
----------
Run CRIU with all capabilities (on the host instead of in the container; `docker run --privileged`;
`CapabilityBoundingSet=` of its unit).

When it is wrong
----------------
If CRIU is run by somebody else with more privilege than the workbench.

References
----------
capabilities(7), prlimit(2); criu/cr-dump.c (dump_task_rlimits).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import dumped_processes
from workbench.evidence import Host, Process, Target

CODE = "PRC001"
NAME = "missing-capability"
SINCE = "0.1"


def check(host: Host, processes: Mapping[int, Process], target: Target) -> Iterator[Problem]:
    """One problem for each process of another user."""
    if "CAP_SYS_RESOURCE" in host.capabilities:
        return
    for process in dumped_processes(processes, target):
        uids = process.uids or (process.uid,)
        if set(uids) == {host.uid}:
            continue
        yield Problem(
            Severity.ERROR,
            process_subject(process.pid, processes),
            f"{process.command} {process.pid} runs as {process.user}, and this "
            f"{'root' if host.uid == 0 else 'user'} lacks CAP_SYS_RESOURCE: CRIU fails with `Can't get rlimit 0`.",
            facts={"uids": uids, "missing": ["CAP_SYS_RESOURCE"]},
            quotes=(Quote("processes", f"{process.pid} {process.command} uid {process.uid} ({process.user})"),),
            fixes=(Fix("Run CRIU with all capabilities, outside of the container or machine that lacks this one."),),
        )
