"""The link here carries smaller packets than the connection was made for.

What it looks at
----------------
The MTU of the device that has the local address of each connection, against the largest segment that was agreed on
when the connection began.

Why it matters
--------------
Each end told the other once, in its SYN, how large segments it takes, and the restored end cannot take that back. If
the device of the restoring host (a tunnel, an overlay network) carries less, the peer's large segments are dropped on
the way: small messages pass, and the first large one hangs the connection. It works only where routers answer with
"fragmentation needed" and the peer hears them.

What to do
----------
Raise the MTU, or let a router clamp or report it (path MTU discovery must not be filtered).

When it is wrong
----------------
The peer has a smaller MTU itself: it then never sends what does not fit.

References
----------
criu-tcp image field mss_clamp (soccr/soccr.c); RFC 6691, RFC 1191; ip-link(8).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.phrases import counted, listed
from workbench.checking.targets import connected
from workbench.evidence import ImageSocket, Network

CODE = "IMG015"
NAME = "mtu-smaller"
SINCE = "0.1"

HEADERS = {4: 40, 6: 60}
"""Bytes of IP and TCP headers without options, which the MSS leaves out (RFC 6691)."""


def check(landing: Landing, network: Network) -> Iterator[Problem]:
    """One problem for each device."""
    image, netns = landing.image, landing.netns
    devices = {item.address: item.interface for item in network.addresses if item.netns == netns}
    links = {link.name: link for link in network.links if link.netns == netns}
    narrow: dict[str, list[ImageSocket]] = {}
    for socket in connected(image):
        ends = socket.connection.unmapped
        if ends.peer.address in devices:
            continue  # packets to one's own addresses go over lo, whatever device has them
        link = links.get(devices.get(ends.local.address, ""))
        if link is not None and socket.mss_clamp is not None and link.mtu < _needed(socket):
            narrow.setdefault(link.name, []).append(socket)
    for name, sockets in narrow.items():
        widest = max(map(_needed, sockets))
        yield Problem(
            Severity.WARNING,
            Subject("image", image.path, {"path": image.path, "netns": netns}),
            f"{name} carries packets of {links[name].mtu} bytes, and {counted(len(sockets), 'connection')} "
            f"({listed(each.connection for each in sockets)}) agreed on {widest}: large segments may never arrive.",
            facts={"device": name, "mtu": links[name].mtu, "agreed": widest},
            quotes=(Quote("network", f"{name} mtu {links[name].mtu}"),),
            fixes=(
                Fix(
                    "Raise the MTU, if what lies behind the device carries it.",
                    (*landing.entering, "ip", "link", "set", name, "mtu", str(widest)),
                ),
            ),
        )


def _needed(socket: ImageSocket) -> int:
    """Size of the IP packet that holds the largest segment agreed on."""
    version = 6 if ":" in socket.connection.unmapped.local.address else 4
    return (socket.mss_clamp or 0) + HEADERS[version]
