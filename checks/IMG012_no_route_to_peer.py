"""There is no route to the peer of a connection that is to be restored.

What it looks at
----------------
The peers of the connections in the images, against addresses and routes of the network namespace of the restore.

Why it matters
--------------
A connection is restored by connect(2) in repair mode. It sends nothing, but the kernel looks up the route, and refuses
without one: `Can't connect inet socket back: Network is unreachable`. An address that was added by hand brings no
default route along.

What to do
----------
Add the route, or bring the link up, before the restore.

When it is wrong
----------------
Rules of policy routing (ip rule) lead to a table that was not read. More routes than are read stand in the table.

References
----------
soccr/soccr.c (libsoccr_set_sk_data_noq); ip-route(8).
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.phrases import listed
from workbench.checking.targets import connected
from workbench.evidence import Network, Route

CODE = "IMG012"
NAME = "no-route-to-peer"
SINCE = "0.1"


def check(landing: Landing, network: Network) -> Iterator[Problem]:
    """One problem for each peer that cannot be reached."""
    image, netns = landing.image, landing.netns
    addresses = {ip_address(item.address.partition("%")[0]) for item in network.addresses if item.netns == netns}
    down = {link.name for link in network.links if link.netns == netns and not link.up}
    routes = [item for item in network.routes if item.netns == netns and item.interface not in down]
    on_link = [
        ip_network(f"{item.address.partition('%')[0]}/{item.prefix}", strict=False)
        for item in network.addresses
        if item.netns == netns and item.interface not in down
    ]
    if not addresses:
        return  # IMG004
    for peer in sorted({socket.connection.unmapped.peer.address for socket in connected(image)}):
        wanted = ip_address(peer)
        if wanted in addresses or wanted.is_loopback or wanted.is_link_local:
            continue
        if any(_covers(route, peer) for route in routes) or any(wanted in each for each in on_link):
            continue
        add = (*landing.entering, "ip", "route", "add", peer, "via", "GATEWAY")
        yield Problem(
            Severity.ERROR,
            Subject("image", image.path, {"path": image.path, "netns": netns}),
            f"No route of {landing.place} leads to {peer}, the peer of a connection in the images: the restore will "
            "fail.",
            facts={"peer": peer, "routes": [route.destination for route in routes]},
            quotes=(Quote("network", f"routes: {listed((route.destination for route in routes), 8) or 'none'}"),),
            fixes=(Fix("Add the route.", add),),
            follows=("ip-missing",),
        )


def _covers(route: Route, peer: str) -> bool:
    wanted = ip_address(peer)
    if route.destination == "default":
        return route.gateway is None or (":" in route.gateway) == (wanted.version == 6)
    try:
        return wanted in ip_network(route.destination, strict=False)
    except ValueError:
        return False
