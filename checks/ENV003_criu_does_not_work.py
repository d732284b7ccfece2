"""The CRIU of this host fails when it is tried.

What it looks at
----------------
The result of the trial that `workbench doctor` and `make setup` make: a dump and a restore of a connected process in
a network namespace of its own. It is remembered for this CRIU and this kernel.

Why it matters
--------------
`criu check` asks the kernel for features; it does not dump anything. A CRIU that fails the trial fails with your
process too.

What to do
----------
Read what the trial says, and use another CRIU; `make setup` makes one.

When it is wrong
----------------
If the trial failed for want of root or of memory at that moment: run `workbench doctor` again.

References
----------
criu(8), check; workbench doctor.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Host

CODE = "ENV003"
NAME = "criu-does-not-work"
SINCE = "0.1"


def check(host: Host) -> Iterator[Problem]:
    """One problem if the trial failed; a CRIU that was never tried is not accused."""
    tool = host.criu
    if tool is not None and tool.works is False:
        yield Problem(
            Severity.ERROR,
            Subject("host", host.hostname, {"host": host.hostname, "criu": tool.path}),
            f"CRIU {tool.version} ({tool.path}) did not dump and restore a connected process here: {tool.detail}",
            facts={"criu": tool.version, "kernel": host.kernel_release},
            quotes=(Quote("host", tool.detail),),
            fixes=(
                Fix("Try it again and see every part.", ("workbench", "doctor"), safe=True),
                Fix("Make one that works on this kernel.", ("make", "setup")),
            ),
            follows=("kernel-newer-than-criu", "privilege-missing"),
        )
