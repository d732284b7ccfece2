"""The process has a Multipath TCP socket, which CRIU cannot dump.

What it looks at
----------------
"Unsupported proto 262" in a dump's log, and the hint for Go programs that CRIU prints since 4.2.

Why it matters
--------------
Protocol 262 is Multipath TCP. Programs built with Go 1.24 or later listen with it by default, without anybody having
asked for it; CRIU has no support for its sockets.

What to do
----------
Start the program with GODEBUG=multipathtcp=0 in its environment, or turn the protocol off in the container's network
namespace: sysctl net.mptcp.enabled=0. Sockets that are open already stay what they are: the program must be started
anew.

When it is wrong
----------------
Never: the number is the protocol's.

References
----------
criu/sk-inet.c (can_dump_ipproto); linux/in.h IPPROTO_MPTCP; Go 1.24 release notes.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG005"
NAME = "mptcp"
SINCE = "0.1"

CAUSE = Cause(
    "The process has a Multipath TCP socket (protocol 262, the default of listeners in Go 1.24 and later), and CRIU "
    "cannot dump those.",
    (Sign(("Unsupported proto 262", "GODEBUG=multipathtcp=0", "Unsupported proto IPPROTO_MPTCP")),),
    advice(
        "Start the program anew with GODEBUG=multipathtcp=0 in its environment.",
        "Or turn the protocol off before the program starts: sysctl net.mptcp.enabled=0 in its network namespace.",
        podman="Give podman run --env GODEBUG=multipathtcp=0 or --sysctl net.mptcp.enabled=0.",
        docker="Give docker run --env GODEBUG=multipathtcp=0 or --sysctl net.mptcp.enabled=0.",
        kubernetes="Set GODEBUG=multipathtcp=0 in the container's env and deploy the pod again.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
