"""An address that the images need is not on this host.

What it looks at
----------------
The local address of every TCP socket in the images that are to be restored, and the addresses of the network
namespace in which the restore is to happen.

Why it matters
--------------
CRIU binds each socket to the address that it had. If the address is not there, the restore fails with `Can't bind
inet socket back: Cannot assign requested address`.

What to do
----------
Give the address to the interface first; move it here if the process was moved here. Or drop the connections with
`--tcp-close` (listeners on the address still need it).

When it is wrong
----------------
Images that bring their own network namespace bring its addresses too; they are not judged. Name another namespace by
`--netns`.

References
----------
soccr/soccr.c (libsoccr_set_sk_data_noq), criu/sk-inet.c (inet_bind).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.phrases import counted, listed
from workbench.evidence import Network

CODE = "IMG004"
NAME = "ip-missing"
SINCE = "0.1"

ANY = {"0.0.0.0", "::"}


def check(landing: Landing, network: Network) -> Iterator[Problem]:
    """One problem for each address that is missing."""
    image, netns = landing.image, landing.netns
    present = {item.address for item in network.addresses if item.netns == netns}
    links = [link.name for link in network.links if link.netns == netns and link.up and link.name != "lo"]
    needed: dict[str, list[str]] = {}
    for socket in image.sockets:
        needed.setdefault(socket.connection.unmapped.local.address, []).append(str(socket.connection.local))
    for address, uses in needed.items():
        if address in ANY | present or address.startswith("127.") or address == "::1":
            continue
        length = "128" if ":" in address else "32"
        add = ("ip", "address", "add", f"{address}/{length}", "dev", links[0] if links else "lo")
        yield Problem(
            Severity.ERROR,
            Subject("image", image.path, {"path": image.path, "netns": netns}),
            f"The images need the address {address}, which is not in {landing.place}: "
            f"{counted(len(uses), 'socket')} ({listed(uses)}) cannot be bound.",
            facts={"address": address, "sockets": uses, "present": sorted(present)},
            quotes=(Quote("network", f"addresses: {listed(sorted(present), 8)}"),),
            fixes=(
                Fix("Move the address here, if it is nowhere else any more.", (*landing.entering, *add)),
                Fix("Or restore with --tcp-close: the connections are dropped."),
            ),
        )
