"""A half-closed connection cannot be dumped by this old kernel or CRIU.

What it looks at
----------------
TCP_REPAIR refused with EPERM on a socket in CLOSE_WAIT, FIN_WAIT, LAST_ACK or CLOSING; "Name resolved on unconnected
socket"; "Socket state 8 obtained but expected 7"; a dump that ends without any error right after "Turning repair on"
for such a socket.

Why it matters
--------------
Before Linux 4.10 only an established connection could be put into repair mode, and CRIU before 2.10 did not even list
the others. Any peer that hangs up while the program still holds its socket makes such a state; heavy traffic makes
many.

What to do
----------
Use Linux 4.10 and CRIU 2.10 or later. Until then dump at a quiet moment, or let the program close its dead sockets.

When it is wrong
----------------
The same EPERM comes when CRIU lacks CAP_NET_ADMIN in the user namespace that owns the network namespace
(missing-capability), and on an established socket from Linux 6.16 on (tcp-kernel-regression). Without a line on the
socket's state the three look alike.

References
----------
Linux commit 319b0534b9 (tcp: allow to enable the repair mode for non-listening sockets, 4.10); soccr/soccr.c
(tcp_repair_on).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EPERM, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG007"
NAME = "tcp-half-closed-old-kernel"
SINCE = "0.1"

_STATE = r"state +(?:TCP_)?(?:CLOSE_WAIT|FIN_WAIT_?\d?|LAST_ACK|CLOSING)|state +(?:4|5|8|9|11)\b"

CAUSE = Cause(
    "A connection was half closed (its peer had hung up, or it was just being closed), and only Linux 4.10 with CRIU "
    "2.10 and later can put such a connection into repair mode.",
    (
        Sign("Can't turn TCP repair mode ON", EPERM, socket=_STATE, until_kernel="6.0", weight=Weight.SURE),
        Sign("Can't turn TCP repair mode ON", EPERM, weight=Weight.HINT),
        Sign("Name resolved on unconnected socket"),
        Sign("obtained but expected", r"Socket state (?P<state>4|5|6|8|9|11) +obtained"),
        Sign("Unknown inet socket", r"state (?P<state>4|5|6|8|9|11)\b"),
        Sign("TCP_REPAIR can't be enabled for half-closed sockets", weight=Weight.HINT),
        Sign(
            "Dump files (pid",
            socket=_STATE,
            before=r"Turning repair on|Dumping TCP connection",
            without=r"Error \(\S*(?:soccr|sk-|sockets|files|netfilter|tty|proc_parse)\S*\.c",
            message="The dump gave up, without a word on why, at a connection that was half closed: only Linux 4.10 "
            "with CRIU 2.10 and later can put such a connection into repair mode.",
        ),
    ),
    advice(
        "Use Linux 4.10 or newer and CRIU 2.10 or newer.",
        "Until then dump when the program has no half-closed connections: `ss -tn state close-wait` shows them.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
