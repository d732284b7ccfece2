"""The restore succeeded, but the peer answered with a reset or not at all.

What it looks at
----------------
Console output and packet listings beside a successful restore: "Connection reset by peer", segments with the flag R,
tracepoints of a received reset, broken pipes.

Why it matters
--------------
A connection lives at both ends. If anything answered the peer's packets between dump and restore (no lock, a lock
lifted too early, the original still running, another host with the address), the peer has closed its end; if the
address was changed, it never had such a connection. CRIU cannot know and reports success.

What to do
----------
Keep the lock from the dump until both ends are back; do not dump with --leave-running and stop the original
afterwards; keep the address. Where that is impossible use --tcp-close and let the program connect again.

When it is wrong
----------------
A reset that the program itself caused later looks the same in a console.

References
----------
Simple TCP pair and TCP connection in https://criu.org; net/ipv4/tcp_ipv4.c (tcp_v4_send_reset).
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG010"
NAME = "rst-after-restore"
SINCE = "0.1"

_RESTORED = r"criu restore|[Rr]estored?\b|tcp-established|Tasks resumed|start --checkpoint|migrat|(?i:0xc114)"
# With --tcp-close the connections are meant to end.
_FAILED = r"(?:Restoring|Dumping) FAILED|--tcp-close|Will drop all TCP connections"
_FOREIGN = r"^(?!\(\d)(?!.*(?:cgroupd|page-xfer|Error \(|lazy|rpc error|registry|dial tcp)).*"

CAUSE = Cause(
    "The restore succeeded, but the peer answered the revived connection with a reset: to the peer it was closed "
    "already. Between dump and restore something answered for it (no lock, or one lifted too early, or the "
    "original), or its address was changed.",
    (
        Sign(
            ("Connection reset", "connection reset", "ECONNRESET"),
            _FOREIGN,
            beside=_RESTORED,
            without=_FAILED,
            on_success=Severity.ERROR,
        ),
        Sign(
            "Flags [R",
            r"(?P<peer>\S+) > (?P<local>\S+): Flags \[R",
            beside=_RESTORED,
            without=_FAILED,
            on_success=Severity.ERROR,
        ),
        Sign(("tcp_receive_reset", "tcp_reset"), without=_FAILED, on_success=Severity.ERROR),
        Sign(
            ("Broken pipe", "broken pipe", "EPIPE", "No route to host", "Connection timed out"),
            rf"{_FOREIGN}(?:[Bb]roken pipe|EPIPE|timed out|No route)",
            beside=r"criu restore|Tasks resumed|Restore finished",
            without=_FAILED,
            on_success=Severity.ERROR,
            weight=Weight.HINT,
        ),
    ),
    joined(
        advice(
            "Keep the lock of the dump in place until both ends are restored, and keep the address of the connection.",
            "Do not dump with --leave-running and stop the original afterwards: its end of the connection goes on "
            "and closes.",
        ),
        handing_over("tcp-close"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
