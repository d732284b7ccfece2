"""There is no CRIU on this host.

What it looks at
----------------
The CRIU on PATH, the one that `make setup` made, and the one that WORKBENCH_CRIU names.

Why it matters
--------------
Without CRIU nothing can be dumped or restored here. Everything else of the workbench works.

What to do
----------
Install CRIU, or let the workbench make one that works on this kernel.

When it is wrong
----------------
If CRIU lies somewhere else, in a container for instance: name it by WORKBENCH_CRIU.

References
----------
criu(8); workbench doctor.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Severity, Subject
from workbench.evidence import Gap, Host, Target

CODE = "ENV001"
NAME = "criu-missing"
SINCE = "0.1"


def check(host: Host, target: Target | Gap) -> Iterator[Problem]:
    """One problem, worse if somebody means to use it."""
    if host.criu is None:
        yield Problem(
            Severity.NOTE if isinstance(target, Gap) else Severity.ERROR,
            Subject("host", host.hostname, {"host": host.hostname}),
            "There is no CRIU here, so that nothing can be dumped or restored.",
            fixes=(
                Fix("Let the workbench make one that works on this kernel.", ("make", "setup")),
                Fix(
                    "Or install the distribution's; it must be new enough for this kernel.",
                    ("apt-get", "install", "criu"),
                ),
            ),
        )
