"""The tool with which CRIU locks the network is missing, too old or cannot work here.

What it looks at
----------------
Words of iptables, ip6tables, iptables-restore and of the shell that did not find them, and CRIU's "Locking network
failed", "Failed to lock TCP connection", "Iptables configuration failed" in a dump.

Why it matters
--------------
While it takes connections along, CRIU drops their packets, by default with iptables. Minimal hosts and containers
have no iptables (only nft), old ones do not know -w, some have no IPv6 half, no mark match or no right to change
rules.

What to do
----------
Install iptables (iptables-nft is enough), or let CRIU use nftables: --network-lock nftables (CRIU 3.16 with
libnftables), or skip the lock if something else holds the packets back: --network-lock skip (3.19).

When it is wrong
----------------
After a dump that failed for another reason the unlock may complain about iptables too; the earlier error is then the
cause.

References
----------
criu/net.c (network_lock_internal), criu/netfilter.c; criu(8) --network-lock; xtables-nft(8).
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest, LogKind

CODE = "LOG021"
NAME = "netlock-iptables-tool"
SINCE = "0.1"

CAUSE = Cause(
    "CRIU could not lock the network: the iptables tool that it calls is missing, too old, or not able to work where "
    "CRIU runs.",
    (
        Sign("execvp(", r'execvp\(\\?"(?P<tool>ip6?tables-[^"\\]*)'),
        Sign("execvp(", r'execvp\(\\?"(?P<tool>sh)\\?"', beside="Iptables configuration failed"),
        # Without -restore it is only the probe at CRIU's start, which every run makes.
        Sign(
            "execvp(",
            r'execvp\(\\?"(?P<tool>ip6?tables)\\?"',
            beside=r"(?:Dumping|Restoring) FAILED",
            weight=Weight.PLACE,
        ),
        Sign(
            "not found",
            r"(?P<tool>(?:ip6?tables|xtables)-[\w-]*)\"?: (?:\w+: )?(?:command )?not found|"
            r'"ip6?tables\S*": executable file not found',
        ),
        # CRIU calls the tool by this name at its start too, only to learn what it can do.
        Sign("not found", r"(?P<tool>ip6?tables)\"?: (?:\w+: )?(?:command )?not found", weight=Weight.HINT),
        Sign(
            (
                "invalid option -- 'w'",
                "unrecognized option '-w",
                "unrecognized option `-w",
                'unknown option "-w',
                "invalid option -- w",
            ),
            on_success=Severity.ERROR,
            message="CRIU could not lock the network: the installed iptables is too old to know the option -w.",
        ),
        Sign(
            (
                "Could not fetch rule set generation id",
                "can't initialize ip",
                "CHAIN_ADD failed",
                "RULE_INSERT failed",
                "RULE_APPEND failed",
                "TABLE_ADD failed",
                "Couldn't load match",
                "Couldn't load target",
                "No chain/target/match by that name",
                "holding the xtables lock",
                "xtables.lock",
                "xt_mark",
            )
        ),
        Sign("CHAIN_USER_ADD failed", r"(?!.*File exists)"),
        Sign("Locking network failed: iptables-restore"),
        Sign("Can't restore ip", r"Can't restore ip6?tables dump - no legacy version present"),
        Sign("tables-", r"\bip6?(?:tables|tables-legacy|tables-nft)-(?:restore|save)(?: -\w+)* failed"),
        Sign(
            ("Iptables configuration failed", "Failed to lock TCP connection"),
            kind=LogKind.DUMP,
            without=r"Bad rule \(does|RULE_DELETE failed|Restor(?:e: family|ing FAILED)",
        ),
        Sign(
            ("Locking network failed using nftables", "Locking connection failed using nftables"),
            without=r"Error.*without libnftables",
            message="CRIU could not lock the network with nftables: the table exists already, rights are missing, or "
            "the kernel lacks nf_tables or sets of concatenations.",
        ),
        Sign("killed by signal", r"util\.c:\d+\): killed by signal", kind=LogKind.DUMP, weight=Weight.HINT),
        Sign(
            "exited, status=",
            r"util\.c:\d+\): exited, status=[1-9]",
            kind=LogKind.DUMP,
            beside=r"Dumping FAILED",
            weight=Weight.REST,
            message="A tool that CRIU called failed, and the dump with it; as a rule that is iptables, with which "
            "CRIU locks the network.",
        ),
        Sign("tables-restore: line", r"ip6?tables-restore: line \d+ failed(?!: Bad rule)", weight=Weight.HINT),
    ),
    joined(
        advice("Install iptables where CRIU runs (the package iptables or iptables-nft), IPv6 tools included."),
        handing_over("network-lock", "nftables"),
        advice(
            "Or skip the lock, if something else holds the packets of these connections back: --network-lock skip "
            "(CRIU 3.19)."
        ),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
