"""A link, address or route could not be made again in the restored network namespace.

What it looks at
----------------
Netlink's -17 (EEXIST) and other refusals while links are restored; `ip route restore`, `ip rule restore` and `ip addr
restore` that failed.

Why it matters
--------------
The engine has already made eth0 in the namespace that CRIU wants to fill, or what was dumped does not fit here:
another kind of link, a parent that is missing, an older iproute2.

What to do
----------
Let one of the two make the links: tell CRIU not to restore the contents of the namespace (--empty-ns net, as runc
does), or do not create the link beforehand.

When it is wrong
----------------
"RTNETLINK answers: File exists" alone is harmless: loopback has its address already.

References
----------
criu/net.c (restore_links, run_ip_tool), criu/libnetlink.c; criu(8) --empty-ns.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest, LogKind

CODE = "LOG034"
NAME = "netns-link-exists"
SINCE = "0.1"

CAUSE = Cause(
    "CRIU could not make a link, address or route again: it is there already because the engine made it, or what was "
    "dumped does not fit in this network namespace.",
    (
        Sign("reported by netlink", r"-17 reported by netlink"),
        Sign("file exists", r"(?:add|renaming) interface"),
        Sign(
            "IP tool failed on",
            without=r"ftell: Illegal seek",
            message="CRIU could not restore addresses, routes or rules: the tool ip refused them or is too old.",
        ),
        Sign(
            "Unsupported link",
            r"net: Unsupported link",
            message="The network namespace has a link of a kind that CRIU cannot dump.",
        ),
        Sign(("Can't restore link", "Unable to restore network links"), weight=Weight.HINT),
        # CRIU tries at its start whether the kernel can make such a pair, and goes on if not.
        Sign(
            "reported by netlink",
            r"Error.*-(?!2\b|17\b|1\b)\d+ reported by netlink",
            without="Unable to create a veth pair",
            weight=Weight.HINT,
        ),
        Sign(
            "reported by netlink",
            r"Warn.*ERROR -(?!2\b|17\b|95\b)\d+ reported",
            kind=LogKind.RESTORE,
            weight=Weight.PLACE,
            message="The kernel refused something that CRIU put into the network namespace.",
        ),
        Sign(file="net.c", weight=Weight.PLACE),
        Sign(file="libnetlink.c", without="Unable to create a veth pair", weight=Weight.PLACE),
    ),
    advice(
        "Let only one of the two create the links: restore with --empty-ns net when the engine sets the namespace "
        "up, or do not create the link beforehand.",
        "Install the iproute2 of the host where the dump was made, if it is `ip ... restore` that fails.",
        runc="Use a runc that passes empty-ns net to CRIU (1.0-rc3 and later) and an external network namespace.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
