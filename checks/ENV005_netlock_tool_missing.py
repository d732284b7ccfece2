"""The program by which CRIU locks connections is not installed.

What it looks at
----------------
`iptables` and `ip6tables`, which CRIU calls unless it is told otherwise, and nftables.

Why it matters
--------------
While it takes a connection apart CRIU must keep the peer's packets away. Without the program the dump of a connection
fails (`Failed to lock TCP connection`), or everything looks well and the kernel answers the peer with a reset.

What to do
----------
Install iptables, or lock by nftables (`--network-lock nftables`, which the workbench does by itself and which is many
times faster).

When it is wrong
----------------
CRIU may be built with nftables as its default (since 4.1), or have a PATH of its own.

References
----------
criu/netfilter.c; criu(8), --network-lock.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Host, Target

CODE = "ENV005"
NAME = "netlock-tool-missing"
SINCE = "0.1"


def check(host: Host, target: Target) -> Iterator[Problem]:
    """One problem for what a dump would call in vain."""
    if target.operation != "dump":
        return
    missing = [tool for tool in ("iptables", "ip6tables", "nft") if host.features.get(tool) is False]
    if not missing:
        return
    nft = "nft" not in missing
    yield Problem(
        Severity.WARNING if nft else Severity.ERROR,
        Subject("host", host.hostname, {"host": host.hostname}),
        f"{', '.join(missing)} cannot be found, and CRIU's network lock is made by "
        + ("iptables unless --network-lock nftables is given." if nft else "one of them: it cannot be made at all."),
        facts={"missing": missing},
        quotes=(Quote("host", f"not on PATH: {', '.join(missing)}"),),
        fixes=(
            Fix("Install them.", ("apt-get", "install", "iptables" if nft else "nftables")),
            *([Fix("Or add --network-lock nftables to the dump.")] if nft else []),
        ),
    )
