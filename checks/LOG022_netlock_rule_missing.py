"""The lock rules of the dump are gone, and the restore cannot lift what is not there.

What it looks at
----------------
"Bad rule (does a matching rule exist in that chain?)" and "Iptables configuration failed" during a restore.

Why it matters
--------------
The dump leaves two rules for each connection; the restore deletes them. After a first restore, a reboot, a flush, on
another host or with the other iptables backend they are not there. Up to CRIU 2.x that is fatal. Later it is only a
line in the log, but it means that the connection was unprotected: if the peer spoke meanwhile, it was reset.

What to do
----------
Restore each dump once. To restore again put the rules back first, one pair for each connection, or start from a new
dump.

When it is wrong
----------------
In a failed dump the same line is noise: the rules were never set.

References
----------
criu/netfilter.c (iptables_connection_switch_raw); criu(8).
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest, LogKind

CODE = "LOG022"
NAME = "netlock-rule-missing"
SINCE = "0.1"

_NO_SUCH_RULE = ("Bad rule (does a matching rule exist", "RULE_DELETE failed (No such file or directory)")
"""As iptables-legacy says it, and as iptables-nft may."""

CAUSE = Cause(
    "The restore could not delete the lock rules of the dump because they are not there any more: the images were "
    "restored before, the host was rebooted or its rules flushed, or this is another host, namespace or iptables "
    "backend.",
    (
        Sign(
            _NO_SUCH_RULE,
            kind=LogKind.RESTORE,
            beside=r"Iptables configuration failed|Restoring FAILED",
            without=r"Dumping FAILED|Dump files",
        ),
        Sign(
            "Iptables configuration failed",
            kind=LogKind.RESTORE,
            beside=r"Bad rule \(does|RULE_DELETE failed",
            without=r"Dumping FAILED",
        ),
        Sign(
            _NO_SUCH_RULE,
            kind=LogKind.RESTORE,
            without=r"Dumping FAILED|Dump files|FAILED",
            severity=Severity.WARNING,
            on_success=Severity.WARNING,
            weight=Weight.HINT,
            message="The lock rules of the dump were gone when the restore wanted to lift them. That alone does no "
            "harm, but the connections were unprotected in between: a peer that spoke meanwhile has been "
            "reset.",
        ),
        Sign(
            "delete table inet CRIU",
            kind=LogKind.RESTORE,
            beside=r"No such file or directory",
            without=r"FAILED|did you mean",
            severity=Severity.WARNING,
            on_success=Severity.WARNING,
            weight=Weight.HINT,
            message="The lock table of the dump was gone when the restore wanted to lift it: the connections were "
            "unprotected in between, and a peer that spoke meanwhile has been reset.",
        ),
    ),
    advice(
        "Restore each dump only once; for another try dump again.",
        "Or put the two rules of each connection back first: DROP in INPUT and OUTPUT with `-m mark ! --mark "
        "0xC114`, as the dump's log shows them.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
