"""A recent kernel changed what TCP_REPAIR allows, and breaks the dump or the restored connection.

What it looks at
----------------
TCP_REPAIR refused with EPERM on an ESTABLISHED socket (Linux 6.16), a refused window, or a restored task that hangs
with full queues (Linux 6.17 and later).

Why it matters
--------------
Linux 6.16 refused repair mode in cases that CRIU relies on; since 6.17 segments beyond the announced window are
dropped, and a restored connection whose window had shrunk waits for ever.

What to do
----------
Use another kernel, or a CRIU release that knows the change. For connections with full queues wait until they are
drained.

When it is wrong
----------------
EPERM on an established socket also means that CRIU lacks CAP_NET_ADMIN in the user namespace which owns the network
namespace; with a kernel older than 6.16 it does mean that.

References
----------
https://github.com/checkpoint-restore/criu/issues/2744, issue 3042 there; net/ipv4/tcp_input.c (TCPBeyondWindow).
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import EPERM, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG009"
NAME = "tcp-kernel-regression"
SINCE = "0.1"

_NEW = r"\b6\.1[6-9]\.\d|\b6\.[2-9]\d\.\d|\b7\.\d+\.\d|[Kk]ernel (?:6\.1[6-9]|7\.)"

CAUSE = Cause(
    "This kernel refuses what CRIU does with a TCP connection in repair mode, although older kernels allow it: a "
    "change of Linux 6.16 or 6.17, not a mistake of yours.",
    (
        Sign(
            "Can't turn TCP repair mode ON",
            EPERM,
            socket=r"state +TCP_ESTABLISHED",
            since_kernel="6.16",
            without=r"uns: |unprivileged|user namespace",
        ),
        Sign("Can't turn TCP repair mode ON", EPERM, beside=_NEW, since_kernel="6.16", weight=Weight.SURE),
        Sign(
            ("Unable to set window parameters", "Can't repair options"),
            beside=_NEW,
            since_kernel="6.16",
            weight=Weight.SURE,
        ),
        Sign(
            (" to die for", "never ends", "hangs", "is stuck", "blocked in read"),
            beside=_NEW,
            without=r"(?:Dumping|Restoring) FAILED|Error \(criu",
            since_kernel="6.16",
            on_success=Severity.ERROR,
            weight=Weight.HINT,
            message="The restore succeeded, but the connection does not move: since Linux 6.17 data beyond a window "
            "that had shrunk is dropped, and a connection restored with full queues waits for ever.",
        ),
    ),
    advice(
        "Try another kernel (6.15 or older, or one in which it is repaired), or the newest CRIU.",
        "Dump when the queues of the connection are empty: `ss -tn` shows them as Recv-Q and Send-Q.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
