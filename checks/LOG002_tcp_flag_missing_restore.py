"""The images hold a TCP connection, and the restore was not told what to do with it.

What it looks at
----------------
"Connected TCP socket in image" and "Need to set the --tcp-close options" in a restore's log.

Why it matters
--------------
The option given at the dump is not remembered for the restore. Without it CRIU stops before it touches the socket;
the lock of the dump stays, so that the peer goes on waiting and a second try works.

What to do
----------
Repeat the restore with the option of the dump: --tcp-established to revive the connections, --tcp-close to have them
closed. Images made with --tcp-close can only be restored with --tcp-close.

When it is wrong
----------------
Never about the refusal itself.

References
----------
criu/sk-inet.c (open_inet_sk), criu/cr-restore.c; criu(8).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG002"
NAME = "tcp-flag-missing-restore"
SINCE = "0.1"

CAUSE = Cause(
    "The restore was refused: the images hold a connected TCP socket, and CRIU was told neither to revive connections "
    "(--tcp-established) nor to close them (--tcp-close).",
    (
        Sign("Connected TCP socket in image"),
        Sign(
            "Need to set the --tcp-close option",
            message="The restore was refused: the dump was made with --tcp-close, so that the connections are not in "
            "the images, and the restore needs --tcp-close too.",
            advice=handing_over("tcp-close", podman="--tcp-close"),
        ),
    ),
    joined(
        handing_over("tcp-established", podman="--tcp-established", runc=True),
        advice("Or let the connections go: give --tcp-close instead; images made with --tcp-close need it."),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
