"""Network namespaces with their addresses, links, routes, sysctls and tracked connections."""

from dataclasses import dataclass

from workbench.evidence.socket import Connection


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """One network namespace that some process or name keeps alive."""

    inode: int
    path: str
    """A path that enters it (/proc/PID/ns/net or /run/netns/NAME)."""
    names: tuple[str, ...] = ()
    """Names under /run/netns, hostile."""
    pids: tuple[int, ...] = ()
    """Processes in it, ascending."""
    is_host: bool = False
    """The namespace of the workbench itself."""


@dataclass(frozen=True, slots=True)
class Link:
    netns: int
    index: int
    name: str
    kind: str | None
    up: bool
    mtu: int
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    netns: int
    interface: str
    address: str
    prefix: int
    scope: str
    tentative: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    netns: int
    destination: str
    """CIDR, or ``default``."""
    gateway: str | None
    interface: str | None
    source: str | None = None
    table: int = 254


@dataclass(frozen=True, slots=True)
class ConntrackEntry:
    """One tracked TCP connection (original direction)."""

    netns: int
    connection: Connection
    state: str | None
    timeout_s: int | None
    assured: bool = False
    mark: int = 0
    reply: Connection | None = None
    """As the answers come in, if their addresses are not the same the other way round (NAT); else None."""


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses and all that belongs to them, of every namespace that could be entered."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]
