"""Somebody's firewall rule drops the packets that CRIU sends to rebuild a connection.

What it looks at
----------------
"Unable to send a fin packet" with EPERM, or the KUBE-FIREWALL chain and its mark beside a half-closed connection.

Why it matters
--------------
To rebuild a half-closed connection CRIU plays the peer's FIN and ACK to its own host, with the mark 0xC114.
Kubernetes drops what has the bit 0x8000 in its mark, and 0xC114 has it; strict OUTPUT rules drop it too. The
connection then comes back in the wrong state.

What to do
----------
Let packets with the mark 0xC114 pass before that rule, in INPUT and OUTPUT.

When it is wrong
----------------
EPERM also comes from missing CAP_NET_RAW; then already libnet_init fails.

References
----------
soccr/soccr.c (send_fin); kubernetes pkg/kubelet network: KUBE-MARK-DROP 0x8000.
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG025"
NAME = "firewall-drops-criu-packet"
SINCE = "0.1"

CAUSE = Cause(
    "A firewall rule drops the packets that CRIU sends to itself to rebuild a half-closed connection (mark 0xC114); "
    "the connection comes back in the wrong state or not at all.",
    (
        Sign(("Unable to send a fin packet", "libnet_write_raw_ip"), on_success=Severity.ERROR),
        Sign(
            ("KUBE-FIREWALL", "KUBE-MARK-DROP", "0x8000/0x8000"),
            beside=r"(?i:0xc114|criu|checkpoint|soccr)",
            without=r"(?:Restoring|Dumping) FAILED",
            on_success=Severity.ERROR,
            weight=Weight.HINT,
        ),
    ),
    advice(
        "Accept the mark before the rule that drops: `iptables -I OUTPUT -m mark --mark 0xC114 -j ACCEPT`, and the "
        "same in INPUT.",
        kubernetes="The mark 0xC114 has the bit 0x8000 that KUBE-FIREWALL drops: accept 0xC114 before it on the node.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
