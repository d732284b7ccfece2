"""A connection of the process tree has a protocol inside the kernel (such as kTLS) that CRIU does not save.

What it looks at
----------------
The upper layer protocol (ULP) of each TCP socket of the process tree that is to be dumped.

Why it matters
--------------
With kernel TLS the keys and record numbers lie in the kernel. CRIU does not look at them: the dump may fail while it
reads the queues, and a restored connection would send plain text where the peer expects records.

What to do
----------
Turn kernel TLS off in the program (nginx: `ssl_conf_command Options -KTLS`; OpenSSL: unset SSL_OP_ENABLE_KTLS) and
let it connect anew, or close the connection on purpose by `--tcp-close`.

When it is wrong
----------------
CRIU was not tried with kTLS on this kernel; the verdict comes from reading its source.

References
----------
Documentation/networking/tls.rst; criu/sk-tcp.c.
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import owner, socket_subject
from workbench.checking.targets import dumped_sockets
from workbench.evidence import Socket, Target

CODE = "SCK004"
NAME = "upper-layer-protocol"
SINCE = "0.1"


def check(sockets: Sequence[Socket], target: Target) -> Iterator[Problem]:
    """One problem for each such socket; multipath TCP, which is a ULP of its subflows, is SCK002."""
    for socket in dumped_sockets(sockets, target):
        if socket.ulp and socket.ulp != "mptcp":
            yield Problem(
                Severity.ERROR,
                socket_subject(socket),
                f"{owner(socket)} uses {socket.ulp} inside the kernel on this connection. CRIU does not save its "
                "state, so the connection will not survive.",
                facts={"ulp": socket.ulp},
                quotes=(Quote("sockets", f"{socket.connection} ulp {socket.ulp}"),),
                fixes=(Fix("Turn it off in the program and let it connect anew, or dump with --tcp-close."),),
            )
