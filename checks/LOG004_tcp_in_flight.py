"""The dump was refused because a connection waits in a listener's queue.

What it looks at
----------------
"In-flight connection (l) for ..." in a dump's log.

Why it matters
--------------
A connection that the program has not accepted yet belongs to no descriptor; CRIU cannot take it along, and
--tcp-established does not help. If it is skipped, its client gets a reset when the dumped listener goes.

What to do
----------
Dump again when the queue is empty, or pass --skip-in-flight (CRIU 2.4 and later) and let the client try again.

When it is wrong
----------------
Never about the refusal.

References
----------
criu/sk-inet.c (can_dump_inet_sk); criu(8) --skip-in-flight.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG004"
NAME = "tcp-in-flight"
SINCE = "0.1"

CAUSE = Cause(
    "The dump was refused: a client's connection stands in the queue of a listening socket and the program has not "
    "accepted it yet. --tcp-established does not help; CRIU can only leave such a connection behind.",
    (Sign(("In-flight connection (l)", "In-flight connections can be ignored")),),
    joined(
        advice("Dump again at a moment when no client is just connecting."),
        handing_over("skip-in-flight"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
