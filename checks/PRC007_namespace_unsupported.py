"""The tree has namespaces inside of each other, which CRIU does not save.

What it looks at
----------------
Pid, user, uts, ipc, network and mount namespaces of every process of the tree that is to be dumped.

Why it matters
--------------
CRIU can make the namespaces of the tree's root again, but not a second layer inside of it (a container in the
container, a sandbox of a browser or of systemd): it stops with `Can't dump nested pid namespace` and the like.
A child in a network or mount namespace of its own is worse: the dump succeeds, and the restore fails with `Can't
restore sub-task in NS`.

What to do
----------
Dump the inner container by itself, or the outer one without it.

When it is wrong
----------------
A cgroup of its own is no obstacle. A mount namespace is none where the tree's root has one of its own, as in a
container.

References
----------
criu/namespaces.c; pid_namespaces(7), user_namespaces(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "PRC007"
NAME = "namespace-unsupported"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each kind of namespace, told at the first process that is deeper than the root of the tree."""
    found: dict[object, list[Verdict]] = {}
    for verdict in caused(verdicts, NAME):
        found.setdefault(verdict.facts["namespace"], []).append(verdict)
    for kind, deeper in found.items():
        first = deeper[0]
        pids = [each.process.pid for each in deeper if each.process is not None]
        yield Problem(
            severity(first),
            subject(first, processes),
            f"{what(first)}: {first.reason}. "
            + (
                "The dump would succeed and no restore after it."
                if kind in {"net", "mnt"}
                else "CRIU dumps one layer only."
            ),
            facts={"namespace": kind, "pids": pids},
            quotes=quotes(first),
            fixes=(
                Fix(
                    "Dump the inner one by itself.",
                    ("workbench", "check", "--for", "dump", "--pid", str(pids[0])),
                ),
            ),
        )
