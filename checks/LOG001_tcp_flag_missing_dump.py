"""The dump was refused because of a connected TCP socket and no word on what to do with it.

What it looks at
----------------
CRIU's message "Connected TCP socket, consider using --tcp-established option" in a dump's log, or in what an engine
prints of it.

Why it matters
--------------
CRIU takes a connection along only if it is told to: the two ends must be frozen in step, and both options have a
price. Often nobody expected a connection at all: a health check, a keep-alive to a database, a log shipper.

What to do
----------
To keep the connections, pass --tcp-established at the dump and at the restore. To drop them, pass --tcp-close at both
(CRIU 3.15 and later for the dump). Or find the connection and close it before the dump.

When it is wrong
----------------
It is never wrong about the refusal. If a configuration file with the option exists and was not read,
criu-config-not-applied says so instead.

References
----------
criu/sk-inet.c (can_dump_inet_sk); criu(8) --tcp-established, --tcp-close; https://criu.org/TCP_connection
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG001"
NAME = "tcp-flag-missing-dump"
SINCE = "0.1"

CAUSE = Cause(
    "The dump was refused: a process has a connected TCP socket, and CRIU was told neither to keep connections "
    "(--tcp-established) nor to drop them (--tcp-close).",
    (Sign("Connected TCP socket, consider using"),),
    joined(
        handing_over("tcp-established", podman="--tcp-established", runc=True),
        advice("Or find the connection with `ss -tnp` in the network namespace of the container, and close it first."),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
