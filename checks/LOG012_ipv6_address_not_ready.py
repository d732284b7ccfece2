"""An IPv6 address is there but not usable yet, or means another link here.

What it looks at
----------------
A bind refused with EINVAL, or with EADDRNOTAVAIL for an IPv6 address beside signs that the address is link-local,
tentative or has just been restored by CRIU.

Why it matters
--------------
A fresh IPv6 address is tentative for about a second while the kernel looks for a duplicate; nobody can bind to it
meanwhile. A link-local address (fe80::) is only valid together with its interface, and derives from the MAC address,
which is new in a new container.

What to do
----------
Turn duplicate address detection off (sysctl net.ipv6.conf.DEVICE.accept_dad=0, or `ip addr add ... nodad`), or wait
before the restore. Keep the MAC address, or avoid link-local addresses.

When it is wrong
----------------
If the address is in fact absent, ip-missing is the cause.

References
----------
criu/sk-inet.c (inet_bind; IPV6_FREEBIND since 3.18); RFC 4862 section 5.4; ip-address(8).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EADDRNOTAVAIL, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG012"
NAME = "ipv6-address-not-ready"
SINCE = "0.1"

CAUSE = Cause(
    "A socket could not be bound to its IPv6 address: the address is still being checked for duplicates (tentative), "
    "or it is link-local and belongs to another interface or MAC address here.",
    (
        Sign("Can't bind inet socket", r"Invalid argument"),
        Sign(
            "Can't bind inet socket",
            EADDRNOTAVAIL,
            socket=r"src_addr +\S*:\S*",
            beside=r"tentative|dadfailed|accept_dad|Running ip addr restore|Restoring link (?!lo)\S+ type",
            weight=Weight.SURE,
        ),
        Sign("Can't bind inet socket", EADDRNOTAVAIL, socket=r"src_addr +(?i:fe80)", weight=Weight.SURE),
        Sign("Can't bind inet socket", EADDRNOTAVAIL, beside=r"inet6 .*tentative", weight=Weight.SURE),
        Sign("Can't connect inet socket back", "Invalid argument", socket=r"src_addr +(?i:fe80)"),
        Sign(
            ("couldn't find ifname for", "can't get ifname"),
            message="The dump was refused: a socket has a link-local IPv6 address, and CRIU cannot tell on which "
            "interface.",
        ),
    ),
    advice(
        "Turn duplicate address detection off in the network namespace before the restore: `sysctl "
        "net.ipv6.conf.default.accept_dad=0`, or add the address with `ip addr add ... nodad`.",
        "Keep the MAC address of the interface, and bind services to other than link-local addresses.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
