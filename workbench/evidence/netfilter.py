"""Rules of every netfilter backend, and the locks that CRIU makes of them."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.evidence.socket import Connection


class Backend(StrEnum):
    """Who made the rule, hence which tool lists and deletes it."""

    LEGACY = "iptables-legacy"
    IPTABLES_NFT = "iptables-nft"
    NFTABLES = "nftables"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule (or one chain policy, where ``text`` begins with ``policy``) of one namespace."""

    netns: int
    backend: Backend
    family: str
    """``ip``, ``ip6``, ``inet``, ``arp``, ``bridge`` or ``netdev``."""
    table: str
    chain: str
    text: str
    """The rule as its tool lists it, without table and chain; hostile."""
    position: int
    """From 0 within its chain."""
    handle: int | None = None
    """nftables handle; absent for iptables-legacy."""
    hook: str | None = None
    """``input``, ``output``, ``forward``, ... of a base chain; absent for others."""
    priority: int | None = None
    verdict: str | None = None
    """``drop``, ``accept``, ``reject``, ``jump CHAIN``, ...; absent if none."""
    packets: int | None = None
    """Counter; absent where the rule has none."""
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class SetElements:
    """A named set of nftables with its elements as text tuples, as far as locks need them."""

    netns: int
    family: str
    table: str
    name: str
    elements: tuple[tuple[str, ...], ...]


class LockScope(StrEnum):
    """What a CRIU lock holds back."""

    CONNECTION = "connection"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class Lock:
    """A network lock of CRIU's making, recognised by its form alone.

    One value for each table (nftables), each pair of rules (iptables per connection) or each chain
    ``CRIU`` (iptables whole namespace). Source: criu/net.c, criu/netfilter.c; see ``evidence.locks``.
    """

    netns: int
    backend: Backend
    scope: LockScope
    family: str
    table: str
    name: str
    """``CRIU-...`` (nftables), ``CRIU`` (chain), or the connection (iptables pair)."""
    connections: tuple[Connection, ...]
    """Seen from the locked end (local first); empty for a whole namespace. An nftables set cannot
    tell the two ends apart: there the end with a socket on this host is meant to be found by the reader."""
    directions: frozenset[str]
    """``input`` and ``output``, or only one: half a lock."""
    packets: int | None
    """Packets held so far; None where the backend has no counter (nftables)."""
    run_id_prefix: str | None = None
    """First 21 characters of CRIU's run id (nftables, CRIU >= 4.1)."""
    root_pid: int | None = None
    """Pid in the table's name (nftables, CRIU 3.16 to 4.0)."""
    duplicates: int = 0
    """How many more times the same pair stands there."""
    rules: tuple[Rule, ...] = ()
    """The rules it consists of: what must be deleted to lift it."""

    @property
    def identity(self) -> tuple[object, ...]:
        """The same of one lock at every look, however many connections are in it by then."""
        return self.netns, self.backend, self.family, self.table, self.name
