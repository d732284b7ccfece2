"""Links, addresses and routes of each network namespace, by rtnetlink(7)."""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

from workbench.collect.within import NamespaceEndedError, within
from workbench.evidence import Address, Gap, Link, Network, NetworkNamespace, Route

ROUTES_AT_MOST = 5000
"""In one namespace. A router with the whole Internet's table would take minutes."""

_IFF_UP = 1
_IFA_F_TENTATIVE = 0x40
_LOCAL_TABLE = 255
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}


def collect_network(namespaces: Sequence[NetworkNamespace]) -> tuple[Network | Gap, tuple[Gap, ...]]:
    """What ``ip link``, ``ip address`` and ``ip route show table all`` tell, but for the kernel's own local table.

    A gap for each namespace that could not be entered, or has too many routes; a Gap alone if none could be entered.
    Takes 2 to 4 ms for each namespace: not meant for every second.
    """
    links: list[Link] = []
    addresses: list[Address] = []
    routes: list[Route] = []
    gaps: list[Gap] = []
    entered = 0
    for namespace in namespaces:
        try:
            found = within(namespace, partial(_look, namespace.inode))
        except NamespaceEndedError:
            continue
        except OSError as error:
            remedy = "run as root" if isinstance(error, PermissionError) else ""
            gaps.append(Gap("network", f"cannot enter the namespace: {error.strerror}", remedy, namespace.inode))
            continue
        entered += 1
        links.extend(found.links)
        addresses.extend(found.addresses)
        routes.extend(found.routes[:ROUTES_AT_MOST])
        if len(found.routes) > ROUTES_AT_MOST:
            gaps.append(Gap("network", f"only the first {ROUTES_AT_MOST} routes were read", "", namespace.inode))
    if gaps and not entered:
        return Gap("network", gaps[0].reason, gaps[0].remedy), ()
    return Network(tuple(links), tuple(addresses), tuple(routes)), tuple(gaps)


def _look(netns: int) -> Network:
    # 250 ms, and only where it is used. Its event loop belongs to the thread and ends with the socket.
    from pyroute2 import IPRoute

    with IPRoute() as asked:
        links = [_link(netns, item) for item in asked.get_links()]
        names = {link.index: link.name for link in links}
        addresses = [_address(netns, item, names) for item in asked.get_addr()]
        unicast = (item for item in asked.get_routes() if item["type"] == 1 and _table(item) != _LOCAL_TABLE)
        routes = [_route(netns, item, names) for item in islice(unicast, ROUTES_AT_MOST + 1)]
    return Network(tuple(links), tuple(addresses), tuple(routes))


def _link(netns: int, item: Any) -> Link:
    information = item.get_attr("IFLA_LINKINFO")
    return Link(
        netns,
        item["index"],
        item.get_attr("IFLA_IFNAME") or "",
        information.get_attr("IFLA_INFO_KIND") if information else None,
        bool(item["flags"] & _IFF_UP),
        item.get_attr("IFLA_MTU") or 0,
        item.get_attr("IFLA_ADDRESS"),
    )


def _address(netns: int, item: Any, names: dict[int, str]) -> Address:
    flags = item.get_attr("IFA_FLAGS") or item["flags"]
    # On a point-to-point link IFA_ADDRESS is the other end's (linux/if_addr.h); IPv6 has no IFA_LOCAL there.
    return Address(
        netns,
        names.get(item["index"], str(item["index"])),
        item.get_attr("IFA_LOCAL") or item.get_attr("IFA_ADDRESS") or "",
        item["prefixlen"],
        _SCOPES.get(item["scope"], str(item["scope"])),
        bool(flags & _IFA_F_TENTATIVE),
    )


def _route(netns: int, item: Any, names: dict[int, str]) -> Route:
    destination = item.get_attr("RTA_DST")
    interface = item.get_attr("RTA_OIF")
    return Route(
        netns,
        f"{destination}/{item['dst_len']}" if destination else "default",
        item.get_attr("RTA_GATEWAY"),
        None if interface is None else names.get(interface, str(interface)),
        item.get_attr("RTA_PREFSRC"),
        _table(item),
    )


def _table(item: Any) -> int:
    return int(item.get_attr("RTA_TABLE") or item["table"])
