"""A local port is still held by a closed connection in TIME_WAIT.

What it looks at
----------------
A bind refused with EADDRINUSE beside sockets in TIME_WAIT, or beside the observation that it works after a minute.

Why it matters
--------------
When a dump without --tcp-established kills the process, its connections are closed in the ordinary way and stay in
TIME_WAIT for 60 seconds. They have no owner and cannot be killed, but they hold the port against a new socket.

What to do
----------
Wait a minute and restore again. To avoid it: dump with --tcp-established (then nothing is closed on the wire), or
close with a reset (SO_LINGER 0).

When it is wrong
----------------
If a living socket holds the port as well, waiting does not help (port-in-use).

References
----------
RFC 9293 section 3.6.1; tcp(7); criu/sk-inet.c (inet_bind).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import EADDRINUSE, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG014"
NAME = "time-wait-blocks-bind"
SINCE = "0.1"

CAUSE = Cause(
    "A socket could not be bound: its local port is held by a closed connection in TIME_WAIT, left behind when the "
    "dumped process was killed. It clears by itself after 60 seconds.",
    (
        Sign(
            ("Can't bind inet socket", "Can't listen on a socket"),
            EADDRINUSE,
            beside=r"TIME[-_ ]?WAIT|\btime[-_]wait\b|tcp_tw_|"
            r"(?:after|wait\w*|sleep) (?:about |for |some )?(?:6\d|a minute|one minute|1 min|2 min|a while)",
            weight=Weight.SURE,
        ),
        Sign(
            ("already in use", "Address in use", "EADDRINUSE"),
            beside=r"TIME[-_ ]?WAIT",
            without=r"/crtools-|unix: ",
            weight=Weight.HINT,
        ),
    ),
    joined(
        advice("Wait 60 seconds and restore again: `ss -tan state time-wait` shows what is left."),
        handing_over("tcp-established", podman="--tcp-established", runc=True),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
