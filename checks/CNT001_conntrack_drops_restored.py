"""Connection tracking will call a restored connection invalid, and a firewall rule drops what is invalid.

What it looks at
----------------
The sysctl nf_conntrack_tcp_loose of the namespace in which a restore is to happen, and rules that drop the state
INVALID.

Why it matters
--------------
A host that never saw the connection begin tracks it only if nf_conntrack_tcp_loose is on (the default). With it off,
every packet of a connection that was moved here is INVALID, and with a rule such as `ct state invalid drop` it is
dead after the restore, which reports success.

What to do
----------
Set nf_conntrack_tcp_loose to 1 for the time of the restore, or exempt the connection from the rule.

When it is wrong
----------------
On the host on which the connection was dumped the old entry is still there, and nothing is lost.

References
----------
net/netfilter/nf_conntrack_proto_tcp.c; Documentation/networking/nf_conntrack-sysctl.rst.
"""

import re
from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.targets import connected
from workbench.evidence import ConntrackEntry, Gap, Rule, Sysctl

CODE = "CNT001"
NAME = "conntrack-drops-restored"
SINCE = "0.1"

LOOSE = "net.netfilter.nf_conntrack_tcp_loose"
_INVALID = re.compile(r"(?:--(?:ct)?state INVALID\b|ct state (?:\{ )?invalid\b)", re.IGNORECASE)


def check(
    landing: Landing, sysctls: tuple[Sysctl, ...], rules: tuple[Rule, ...], conntrack: tuple[ConntrackEntry, ...] | Gap
) -> Iterator[Problem]:
    """One problem for the first rule that would drop the connections, unless all of them are tracked already."""
    image, netns = landing.image, landing.netns
    strict = any(item.netns == netns and item.name == LOOSE and item.value == "0" for item in sysctls)
    rule = next((rule for rule in rules if rule.netns == netns and _INVALID.search(rule.text) and _drops(rule)), None)
    if not strict or rule is None:
        return
    entries = () if isinstance(conntrack, Gap) else conntrack
    tracked = {end for item in entries for end in (item.connection, item.connection.reversed)}
    lost = [socket.connection for socket in connected(image) if socket.connection.unmapped not in tracked]
    if lost:
        yield Problem(
            Severity.WARNING,
            Subject("netns", landing.place, {"netns": netns, "path": image.path}),
            f"Packets of {lost[0]} will count as invalid in {landing.place} ({LOOSE} is 0), and a rule in {rule.chain} "
            "drops them: the restore would succeed and the connection be dead.",
            facts={"connections": [str(connection) for connection in lost]},
            quotes=(Quote("rules", f"{rule.chain}: {rule.text}"), Quote("sysctls", f"{LOOSE} = 0")),
            fixes=(Fix("Track connections that began elsewhere.", (*landing.entering, "sysctl", f"{LOOSE}=1")),),
        )


def _drops(rule: Rule) -> bool:
    return rule.verdict == "drop" or rule.text.endswith("-j DROP")
