"""The addresses that move along: taken from the source's interface, given to the destination's, announced there."""

import errno
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from workbench.collect.within import NamespaceEndedError, within
from workbench.errors import WorkbenchError
from workbench.evidence import Address, Network, NetworkNamespace
from workbench.operation.migration.announce import announce

Result = TypeVar("Result")
_IFA_F_NODAD = 0x02
"""Usable at once: the one other host that has it gives it up first (RFC 4862, 5.4 would take a second)."""


@dataclass(frozen=True, slots=True)
class MovingAddress:
    """One address with all that its interface must be told."""

    interface: str
    address: str
    prefix: int

    def record(self) -> dict[str, object]:
        return asdict(self)

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.address).version


def moving_address(record: Mapping[str, Any]) -> MovingAddress:
    """Raises ValueError, KeyError or TypeError for anything that ``record`` did not write."""
    address = ipaddress.ip_address(str(record["address"]))
    prefix = int(record["prefix"])
    if not 0 < prefix <= address.max_prefixlen:
        raise ValueError(f"{prefix} is no length of a prefix")
    return MovingAddress(str(record["interface"]), str(address), prefix)


def lost_with(address: Address, others: Iterable[Address]) -> tuple[str, ...]:
    """Addresses that the kernel takes away with a first one of their network (net.ipv4.conf.*.promote_secondaries)."""
    net = ipaddress.ip_interface(f"{address.address}/{address.prefix}").network
    if net.version == 6 or net.prefixlen == net.max_prefixlen:
        return ()
    same = [
        each
        for each in others
        if each.interface == address.interface
        and each.prefix == address.prefix
        and ipaddress.ip_interface(f"{each.address}/{each.prefix}").network == net
    ]
    # The kernel lists the first one of a network before those that depend on it (net/ipv4/devinet.c).
    return tuple(each.address for each in same[1:]) if same and same[0].address == address.address else ()


def interface_for(address: str, network: Network, netns: int) -> str | None:
    """The interface that should get an address: of a network that it is part of, else of the best route."""
    wanted = ipaddress.ip_address(address)
    for each in network.addresses:
        if each.netns == netns and wanted in ipaddress.ip_interface(f"{each.address}/{each.prefix}").network:
            return each.interface
    return route_to(address, network, netns)


def route_to(address: str, network: Network, netns: int) -> str | None:
    """Interface of the most specific route to an address; None if there is none."""
    wanted = ipaddress.ip_address(address)
    best: tuple[int, str] | None = None
    for route in network.routes:
        if route.netns != netns or route.interface is None:
            continue
        text = {4: "0.0.0.0/0", 6: "::/0"}[wanted.version] if route.destination == "default" else route.destination
        net = ipaddress.ip_network(text, strict=False)
        if (
            route.destination == "default"
            and route.gateway
            and ipaddress.ip_address(route.gateway).version != wanted.version
        ):
            continue
        if wanted in net and (best is None or net.prefixlen > best[0]):
            best = net.prefixlen, route.interface
    return best[1] if best else None


def take_away(addresses: Sequence[MovingAddress], namespace: NetworkNamespace) -> None:
    """Remove addresses from their interfaces; those that are not there are passed over. Raises WorkbenchError."""
    _change("del", addresses, namespace, passed_over=errno.EADDRNOTAVAIL)


def give(addresses: Sequence[MovingAddress], namespace: NetworkNamespace) -> None:
    """Add addresses, usable at once; those that are there already are passed over. Raises WorkbenchError."""
    _change("add", addresses, namespace, passed_over=errno.EEXIST)


def announce_all(addresses: Sequence[MovingAddress], namespace: NetworkNamespace) -> None:
    """Tell the neighbours where the addresses are now. Raises WorkbenchError."""

    def tell() -> None:
        for each in addresses:
            announce(each.interface, each.address)

    _inside(namespace, tell)


def _change(command: str, addresses: Sequence[MovingAddress], namespace: NetworkNamespace, *, passed_over: int) -> None:
    if not addresses:
        return

    def change() -> None:
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        with IPRoute() as asked:
            for each in addresses:
                found = asked.link_lookup(ifname=each.interface)
                if not found:
                    raise WorkbenchError(f"there is no interface {each.interface}")
                flags = {"flags": _IFA_F_NODAD} if command == "add" and each.version == 6 else {}
                try:
                    asked.addr(command, index=found[0], address=each.address, prefixlen=each.prefix, **flags)
                except NetlinkError as error:
                    if error.code != passed_over:
                        raise WorkbenchError(f"address {each.address} on {each.interface}: {error}") from error

    _inside(namespace, change)


def _inside(namespace: NetworkNamespace, act: Callable[[], Result]) -> Result:
    try:
        return within(namespace, act)
    except NamespaceEndedError as ended:
        raise WorkbenchError(f"the network namespace at {namespace.path} has ended") from ended
    except OSError as error:
        raise WorkbenchError(f"addresses cannot be changed: {error.strerror}", "run it as root") from error
