"""A network namespace or the other end of a veth pair is outside, and CRIU was not told how to map it.

What it looks at
----------------
"Unknown peer net namespace", "Unable to find an external netns", refusals of sockets that belong to a namespace
outside the tree.

Why it matters
--------------
A container's eth0 is one end of a pair whose other end is in the host's namespace, which is not part of the dump.
CRIU can rebuild it only if the engine, or the options, say what to connect it to.

What to do
----------
Restore through the engine, which prepares the namespace; or dump with --external net[INODE]:NAME and restore with
--inherit-fd fd[N]:NAME; or map the pair with --external veth[INNER]:OUTER@BRIDGE.

When it is wrong
----------------
If the link exists already, netns-link-exists is nearer.

References
----------
criu/net.c (peer_ifindex handling, net_set_ext); criu(8) --external net, veth.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG033"
NAME = "netns-external-not-mapped"
SINCE = "0.1"

CAUSE = Cause(
    "The dumped network namespace is tied to one outside (the other end of its veth pair, or an external namespace), "
    "and CRIU was not told what to connect it to here.",
    (
        Sign(("Unknown peer net namespace", "Unable to find an external netns", "from an external network namespace")),
        Sign(
            ("couldn't restore veth interface", "couldn't restore macvlan interface"), without=r"-1 reported by netlink"
        ),
        Sign(
            ("extRootNetNS", "extNetNs", "external net"),
            r"(?i:error|fail|unable|not found|no such|missing)",
            weight=Weight.HINT,
        ),
    ),
    advice(
        "Restore through the engine that made the container, so that it prepares the namespace.",
        "With criu alone: dump with --external net[INODE]:NAME and restore with --inherit-fd fd[N]:NAME, or map the "
        "pair with --external veth[eth0]:HOSTEND@BRIDGE.",
        docker="Use docker start --checkpoint instead of criu restore.",
        podman="Use podman container restore instead of criu restore.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
