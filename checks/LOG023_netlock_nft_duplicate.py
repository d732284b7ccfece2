"""The lock on the namespace stays, because iptables-nft cannot delete the chain CRIU.

What it looks at
----------------
"CHAIN_USER_DEL failed" or "CHAIN_DEL failed" with EBUSY for the chain CRIU.

Why it matters
--------------
With iptables-nft the rules of the lock are restored and then made once more, so that two jumps lead to the chain
CRIU. CRIU before 4.0 deletes one of them; the chain cannot go, and every packet of the namespace stays blocked
although the restore ends well.

What to do
----------
Use CRIU 4.0 or later, iptables-legacy, or --network-lock nftables. Clean up the namespace by hand: delete every jump,
then the chain.

When it is wrong
----------------
Never: the chain's name is CRIU's.

References
----------
https://github.com/checkpoint-restore/criu/pull/2323, issue 1707 there; criu/net.c (iptables_network_unlock_internal).
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import EBUSY, Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG023"
NAME = "netlock-nft-duplicate"
SINCE = "0.1"

CAUSE = Cause(
    "The network lock could not be lifted: two jumps lead to the chain CRIU, CRIU deleted one, and iptables-nft "
    "refuses to delete a chain that is in use. Every packet of this network namespace stays blocked.",
    (Sign(("CHAIN_USER_DEL failed", "CHAIN_DEL failed"), EBUSY, on_success=Severity.ERROR),),
    joined(
        advice(
            "Delete every jump to the chain and then the chain, for iptables and ip6tables, in that network "
            "namespace: `iptables -D INPUT -j CRIU` and `iptables -D OUTPUT -j CRIU` until they fail, `iptables -F "
            "CRIU`, `iptables -X CRIU`.",
            "Use CRIU 4.0 or newer, or iptables-legacy.",
        ),
        handing_over("network-lock", "nftables"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
