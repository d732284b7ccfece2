"""A network lock of CRIU was left behind and still blocks.

What it looks at
----------------
Listings of rules beside or instead of a log: a chain CRIU, DROP rules with the mark 0xc114, a table inet CRIU-...;
and errors of nft or iptables because one of them is there already.

Why it matters
--------------
A failed restore keeps the lock so that it can be tried again, and a CRIU that was killed cannot lift it. Whoever uses
the same network namespace next (a fallback container, the same connection after a later restore) is cut off.

What to do
----------
When no CRIU is at work in that namespace, delete the jumps and the chain in iptables and ip6tables, or the table in
nftables. `workbench locks --remove` does that with a plan shown first.

When it is wrong
----------------
A lock of a dump that waits to be restored looks the same, and must stay.

References
----------
criu/net.c, criu/netfilter.c; https://github.com/checkpoint-restore/criu/issues/2828
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG024"
NAME = "netlock-leftover"
SINCE = "0.1"

_LISTED = r"^(?!\(\d)(?!.*(?:Running ip|Running nft|Locked |Unlocked ))"
_WAITING = r"Dumping finished successfully(?!(?s:.*)(?i:restor))"
"""A dump that killed its tasks leaves its lock on purpose: it is no leftover before a restore."""

CAUSE = Cause(
    "A network lock of CRIU was left behind in this network namespace and drops packets.",
    (
        Sign(
            ("Chain CRIU", "-j CRIU", ":CRIU -", "jump CRIU", "-N CRIU", "-A CRIU", "chain CRIU {"),
            _LISTED,
            without=_WAITING,
            on_success=Severity.ERROR,
            message="A network lock of CRIU (the chain CRIU) was left behind in this network namespace and drops "
            "every packet.",
        ),
        Sign(
            "0xc114",
            rf"{_LISTED}.*(?:-j DROP|DROP .*mark|mark.*drop)",
            without=_WAITING,
            on_success=Severity.ERROR,
            message="A lock rule of CRIU was left behind and drops the packets of a connection.",
        ),
        Sign(
            "inet CRIU-",
            rf"{_LISTED}(?!.*(?:delete|create|add) (?:table|element)).*table inet (?P<table>CRIU-\S*)",
            without=_WAITING,
            on_success=Severity.ERROR,
            message="A network lock of CRIU (an nftables table) was left behind in this network namespace and drops "
            "packets.",
        ),
        Sign("Could not process rule: File exists", beside=r"inet CRIU-", weight=Weight.SURE),
        Sign(
            "Could not process rule: File exists",
            beside="Locking network failed",
            weight=Weight.SURE,
            message="CRIU could not make its lock table because it is there already: left behind by an earlier run, "
            "or by the dump of the same processes when the restore goes into the same network namespace.",
        ),
        Sign("CHAIN_USER_ADD failed", "File exists", weight=Weight.SURE),
        Sign("Chain already exists", beside="CRIU"),
        Sign(
            ("Chain CRIU", "-j CRIU", "inet CRIU-", "0xc114"),
            _LISTED,
            beside=_WAITING,
            severity=Severity.NOTE,
            on_success=Severity.NOTE,
            message="The lock of the dump stands, as it must until its images are restored.",
        ),
        Sign("did you mean table", r"CRIU-", on_success=Severity.ERROR),
    ),
    advice(
        "See that no CRIU is at work there, then look with `workbench locks` and remove with `workbench locks "
        "--remove`.",
        "By hand, in that network namespace: `nft delete table inet CRIU-...`, or delete the jumps to the chain CRIU "
        "from INPUT and OUTPUT and then the chain, with iptables and with ip6tables.",
        kubernetes="Enter the network namespace of the pod (`crictl inspectp`, then `nsenter --net`): a container "
        "started in the same pod is cut off too.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
