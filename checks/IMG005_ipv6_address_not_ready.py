"""An IPv6 address that the images need is there, but cannot be used yet.

What it looks at
----------------
Addresses of the network namespace in which the restore is to happen that are tentative, and the local addresses of
the sockets in the images.

Why it matters
--------------
A fresh IPv6 address is tentative for a second or two while the kernel looks for somebody else who has it. Nothing can
be bound to it meanwhile: the restore fails with `Cannot assign requested address` although `ip address` shows it.

What to do
----------
Wait until `ip -6 address` no longer says tentative; or add it with `nodad`.

When it is wrong
----------------
If it stays tentative for longer, duplicate address detection has failed: somebody else has the address (dadfailed).

References
----------
RFC 4862, 5.4; ip-address(8), nodad.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.evidence import Network

CODE = "IMG005"
NAME = "ipv6-address-not-ready"
SINCE = "0.1"


def check(landing: Landing, network: Network) -> Iterator[Problem]:
    """One problem for each address."""
    image, netns = landing.image, landing.netns
    needed = {socket.connection.local.address for socket in image.sockets}
    for item in network.addresses:
        if item.netns != netns or not item.tentative or item.address not in needed:
            continue
        again = ("ip", "address", "replace", f"{item.address}/{item.prefix}", "dev", item.interface, "nodad")
        yield Problem(
            Severity.ERROR,
            Subject("image", image.path, {"path": image.path, "netns": netns}),
            f"{item.address} on {item.interface} is still tentative: no socket can be bound to it yet.",
            facts={"address": item.address, "interface": item.interface},
            quotes=(Quote("network", f"{item.interface} {item.address}/{item.prefix} tentative"),),
            fixes=(
                Fix("Wait until it is no longer tentative."),
                Fix("Or add it without looking for duplicates.", (*landing.entering, *again)),
            ),
        )
