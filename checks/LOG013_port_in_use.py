"""A local port that a restored socket needs is taken by a living socket.

What it looks at
----------------
A bind or listen refused with EADDRINUSE while an inet socket is restored, and nothing in the log that speaks of
TIME_WAIT.

Why it matters
--------------
The original still runs, another copy was restored, or somebody else uses the port. Waiting does not help.

What to do
----------
Find the owner with `ss -tlnp sport = :PORT` (or without -l) in that network namespace and stop it, or restore into a
network namespace of its own.

When it is wrong
----------------
A TIME_WAIT of the dumped process itself also answers EADDRINUSE and vanishes after a minute (time-wait-blocks-bind);
without a list of sockets a log does not show which it was.

References
----------
criu/sk-inet.c (inet_bind); bind(2), ip(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EADDRINUSE, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG013"
NAME = "port-in-use"
SINCE = "0.1"

CAUSE = Cause(
    "A socket could not be bound: its local port is in use by another socket (the original that still runs, another "
    "copy, or somebody else's).",
    (
        Sign(("Can't bind inet socket", "Can't listen on a socket"), EADDRINUSE),
        Sign(
            ("already in use", "port is already allocated", "EADDRINUSE"),
            r"listen tcp|bind: address|[Bb]ind for|port is already allocated|EADDRINUSE",
            without=r"/crtools-|unix: ",
            weight=Weight.HINT,
        ),
    ),
    advice(
        "Find who has the port with `ss -tanp` in that network namespace, and stop it before the restore.",
        "Or restore the copy in a network namespace of its own.",
        podman="Remove or stop the original container first, or publish other ports with podman container restore "
        "--publish.",
        docker="Stop the original container, or start the copy without the published port.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
