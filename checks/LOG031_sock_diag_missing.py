"""The kernel cannot list the sockets that CRIU must find: a *_diag module is missing.

What it looks at
----------------
"Sockets (family ...) are not collected", "The sock diag infrastructure is incomplete", and socket families for which
the collection ended with -2 while the run failed without another reason.

Why it matters
--------------
CRIU learns the state of every socket by sock_diag. Each family needs its part of the kernel: unix_diag, inet_diag,
tcp_diag, udp_diag, packet_diag, netlink_diag, raw_diag. In a container or a minimal kernel they may be absent and
cannot be loaded from inside.

What to do
----------
Load them on the host (modprobe tcp_diag udp_diag inet_diag unix_diag packet_diag netlink_diag raw_diag), or use a
kernel that has them.

When it is wrong
----------------
"Diag module missing (-2)" alone is a probe at start, and -2 for UDPLITE or RAW is harmless: such sockets are rare.

References
----------
criu/sockets.c (collect_sockets, preload_socket_modules); sock_diag(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG031"
NAME = "sock-diag-missing"
SINCE = "0.1"

CAUSE = Cause(
    "The kernel cannot list sockets of a kind that CRIU must look at: the *_diag part for it is not built in and its "
    "module is not loaded.",
    (
        Sign("are not collected", r"Sockets \(family (?P<family>\d+),? proto (?P<protocol>\d+)\) are not collected"),
        Sign(("sock diag infrastructure is incomplete", "sock diag infrastructure")),
        Sign(("Can't create sock diag socket", "Can't make diag socket for check")),
        Sign(
            "ollect procedure",
            r"family (?P<family>AF_UNIX|AF_INET6?|[12]|10) proto "
            r"(?P<protocol>IPPROTO_(?:IP|TCP|UDP)|0|6|17)\b.{0,4}: -2",
            beside=r"(?:Dumping|Restoring) FAILED|criu failed",
            weight=Weight.HINT,
        ),
        Sign(
            ("_DIAG is not set", "_DIAG=n", "CONFIG_UNIX_DIAG", "CONFIG_INET_DIAG", "CONFIG_INET_UDP_DIAG"),
            weight=Weight.HINT,
        ),
        Sign(
            ("Diag module missing (", "-2 reported by netlink", "ERROR -2 reported"),
            beside=r"(?:Dumping|Restoring) FAILED",
            weight=Weight.REST,
        ),
    ),
    advice(
        "Load the modules on the host: `modprobe -a tcp_diag udp_diag inet_diag unix_diag packet_diag netlink_diag "
        "raw_diag`.",
        "If modprobe does not find them, use a kernel built with CONFIG_UNIX_DIAG, CONFIG_INET_DIAG, "
        "CONFIG_INET_UDP_DIAG, CONFIG_PACKET_DIAG and CONFIG_NETLINK_DIAG.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
