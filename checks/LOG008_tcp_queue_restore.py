"""The queues or options of a TCP connection could not be read or put back.

What it looks at
----------------
What libsoccr says while it saves or restores one connection: queue contents, sequence numbers, options, window.

Why it matters
--------------
A connection is rebuilt piece by piece on a socket in repair mode. If it changed under CRIU's hands (closed or reset
meanwhile, data still arriving because no lock held), or the kernel refuses a piece, this one connection fails and the
whole dump or restore with it.

What to do
----------
Dump again at a quieter moment; make sure that the network lock works and nothing lifts it; or drop the connections
with --tcp-close.

When it is wrong
----------------
With Linux 6.17 and later a refused window may be the kernel's own regression (tcp-kernel-regression).

References
----------
soccr/soccr.c; criu/sk-tcp.c (dump_tcp_conn_state, restore_tcp_conn_state).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG008"
NAME = "tcp-queue-restore"
SINCE = "0.1"

CAUSE = Cause(
    "The queues or options of one TCP connection could not be saved or put back: the connection was changing, closed "
    "or reset at that moment, or the kernel refused a value.",
    (
        Sign(
            "queue data (",
            r"Can't restore .{0,20}queue data.*: (?:Broken pipe|Connection reset)",
            message="Data could not be put back into the queue of a restored connection: it was already shut down or "
            "reset while it was being rebuilt.",
        ),
        Sign("queue data (", r"Can't restore .{0,20}queue data"),
        Sign(
            "recv failed (",
            r"recv failed \((?P<got>-?\d+), want (?P<want>\d+)\)",
            message="The receive queue of a connection changed while it was read: data still arrived, which a "
            "working lock would have held back, or the kernel counts it otherwise.",
        ),
        Sign(
            "Can't repair options",
            message="The options of a connection could not be put back: it was not an established connection any "
            "more when it was dumped, and the kernel repairs options only on those.",
        ),
        Sign(
            (
                "Can't set queue seq",
                "Can't set repair queue",
                "Unable to set window parameters",
                "Can't set timestamp",
                "Can't get TCP_TIMESTAMP",
                "Unable to get size of",
                "Unable to get window properties",
                "Unable to shutdown the socket id",
                "Failed to obtain TCP_INFO",
                "Destination or/and source addresses aren't set",
            )
        ),
        Sign(("sockopt failed", "Unknown state"), file="soccr.c"),
        Sign("libsoccr_save() failed", weight=Weight.HINT),
        Sign(file="soccr.c sk-tcp.c", weight=Weight.PLACE),
    ),
    joined(
        advice(
            "Dump again when the connection is quiet, and see that the network lock holds until the restore is done."
        ),
        handing_over("tcp-close"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
