"""A lock around one connection: nothing of it passes, in or out, but packets with the mark 0xC114.

A table of the same form as CRIU's (criu/netfilter.c), so that whatever recognises, shows and removes locks knows it.
It comes before connection tracking, which would else see half of an exchange.
"""

import uuid
from collections.abc import Iterable

from workbench.collect.namespaces import inside
from workbench.collect.netfilter.libnftables import Nft
from workbench.evidence import Connection
from workbench.evidence.locks import OWN_TABLE_PREFIX
from workbench.repair.constants import MARK

_BEFORE_CONNTRACK = -450
_SUFFIX = 21


def new_name() -> str:
    """A name that no other lock has."""
    return OWN_TABLE_PREFIX + str(uuid.uuid4())[:_SUFFIX]


class ConnectionLock:
    """One table in one network namespace; every change is one transaction."""

    def __init__(self, name: str, connections: Iterable[Connection], netns_path: str) -> None:
        """Opened, nothing is locked yet. Raises WorkbenchError or OSError if the namespace cannot be entered."""
        self.name = name
        self._text = table_text(name, connections)
        self._nft = inside(netns_path, Nft)

    def lock(self) -> None:
        """From now on nothing passes. Raises WorkbenchError."""
        self._nft.run(self._text)

    def lift(self) -> None:
        """From now on all passes. Raises WorkbenchError."""
        self._nft.run(f"delete table inet {self.name}")

    def close(self) -> None:
        """Waits some 10 ms if the lock was lifted; it does not lift it."""
        self._nft.close()


def table_text(name: str, connections: Iterable[Connection]) -> str:
    """What nft reads: the table, refused if it exists already."""
    ways = [way for each in connections for way in (each.unmapped, each.unmapped.reversed)]
    lines = [f"create table inet {name}", f"table inet {name} {{"]
    rules = [f"meta mark {MARK:#x} accept"]
    for set_name, kind, family, colon in (("conns4", "ipv4_addr", "ip", False), ("conns6", "ipv6_addr", "ip6", True)):
        elements = [_element(way) for way in ways if (":" in way.local.address) is colon]
        if elements:
            lines += [f"set {set_name} {{", f"type {kind} . inet_service . {kind} . inet_service"]
            lines += [f"elements = {{ {', '.join(elements)} }}", "}"]
            rules.append(f"{family} saddr . tcp sport . {family} daddr . tcp dport @{set_name} drop")
    for hook in ("output", "input"):
        lines += [f"chain {hook} {{", f"type filter hook {hook} priority {_BEFORE_CONNTRACK}; policy accept;"]
        lines += [*rules, "}"]
    return "\n".join((*lines, "}", ""))


def _element(way: Connection) -> str:
    return " . ".join(f"{end.address} . {end.port}" for end in (way.local, way.peer))
