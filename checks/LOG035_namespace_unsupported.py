"""The tree uses namespaces in a way that CRIU cannot dump or restore.

What it looks at
----------------
Refusals about nested pid, time or mount namespaces, namespaces that do not belong to the target's user namespace, a
pid namespace without its init, several network namespaces with --empty-ns.

Why it matters
--------------
CRIU can take a container, but not containers inside it, nor one whose namespaces are owned by different user
namespaces (sandboxes, unprivileged tools).

What to do
----------
Dump the inner container by itself, or run the program with one namespace of each kind; run CRIU as real root outside
the sandbox.

When it is wrong
----------------
A plain lack of rights gives EPERM on the namespace files too (missing-capability).

References
----------
criu/namespaces.c, criu/pstree.c, criu/timens.c; namespaces(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EPERM, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG035"
NAME = "namespace-unsupported"
SINCE = "0.1"

CAUSE = Cause(
    "The processes use namespaces in a way that CRIU cannot handle: nested ones, ones without their init, or ones "
    "that belong to another user namespace.",
    (
        Sign("doesn't belong to the target user namespace", weight=Weight.SURE),
        Sign("Can't dump nested", r"nested (?P<namespace>\w+) namespace"),
        Sign(
            (
                "a pid namespace without the process init",
                "pid namespace without the process init",
                "Nested mount namespaces are not supported",
                "pid namespace not supported",
                "Time namespaces are not supported",
                "more than one netns if the --emptyns",
                "don't know how to restore some namespaces",
                "Unable to restore into an empty PID namespace",
                "Can't restore sub-task in NS",
                "Namespaces dumping finished with error",
                "Unable to convert uid or gid",
                "pidns object",
                "doesn't live in IPC ns",
                "nable to find a network namespace",
                "nable to switch a network namespace",
            )
        ),
        Sign(
            "obtained but expected",
            r"Socket state (?:1|2|3|10) +obtained",
            message="A socket belongs to another network namespace than its process, so that CRIU did not find it in "
            "the list.",
        ),
        Sign("clock offset", rf"Unable to set a \w+ clock offset: (?!{EPERM})"),
        Sign(file="namespaces.c timens.c pidns.c", weight=Weight.PLACE),
    ),
    advice(
        "Dump the inner container by itself, or give the tree one namespace of each kind.",
        "Run CRIU as root of the host, outside the sandbox or the outer container.",
        docker="Do not run docker inside docker for this: checkpoint the inner container with the engine that runs it.",
        lxd="Checkpoint the nested container, not the one around it.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
