"""An abstract UNIX socket name is taken in the network namespace that is shared.

What it looks at
----------------
EADDRINUSE for CRIU's own transport socket (/crtools-fd-N, /crtools-pr-N) or for a UNIX socket of the program.

Why it matters
--------------
Abstract names belong to the network namespace, not to the file system. Several restores at once in one namespace
collide in the names that CRIU makes from the pid (up to 3.16; with a run id later), and two copies of a program
collide in the program's own.

What to do
----------
Give each restore a network namespace of its own, or restore one after the other; a newer CRIU has unique names for
its own sockets.

When it is wrong
----------------
A UNIX socket with a path in the file system fails alike when the file was left behind; then remove the file.

References
----------
criu/files.c (open_transport_socket), criu/sk-unix.c (bind_unix_sk); unix(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EADDRINUSE, Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG016"
NAME = "abstract-name-in-use"
SINCE = "0.1"

CAUSE = Cause(
    "An abstract UNIX socket name is taken already in this network namespace: by another restore that runs at the "
    "same time, or by another copy of the program.",
    (
        Sign(
            ("Can't bind transport socket", "/crtools-fd-", "/crtools-pr-"),
            EADDRINUSE,
            message="CRIU's own socket name (an abstract UNIX name made from the pid) is taken: another restore runs "
            "in this network namespace at the same time.",
        ),
        Sign("Can't bind transport socket"),
        Sign(("an't bind", "Unable to bind", "autobind"), rf"(?:unix|\bsk).*{EADDRINUSE}", file="sk-unix.c"),
        Sign(form=EADDRINUSE, file="sk-unix.c"),
    ),
    advice(
        "Restore one after the other, or give each restore a network namespace of its own.",
        "Use a newer CRIU: the names of its own sockets are unique to each run since 3.17, inside containers since "
        "4.1.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
