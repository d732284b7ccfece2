"""A network device to which a socket of the images is bound is not there.

What it looks at
----------------
SO_BINDTODEVICE of the sockets in the images, against the links of the network namespace of the restore.

Why it matters
--------------
CRIU binds the restored socket to the device by its name, and fails without one: `Can't set 1:25 (len 4): No such
device`. Names of devices differ from host to host (eth0, ens3), and those of containers from start to start.

What to do
----------
Give a device of the restoring host that name, or restore in a network namespace that has it.

When it is wrong
----------------
The device is made by a script of CRIU's (`setup-namespaces`) or by the engine.

References
----------
criu/sockets.c (restore_socket_opts); socket(7), SO_BINDTODEVICE.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.phrases import listed
from workbench.evidence import Network

CODE = "IMG014"
NAME = "device-missing"
SINCE = "0.1"


def check(landing: Landing, network: Network) -> Iterator[Problem]:
    """One problem for each device."""
    image, netns = landing.image, landing.netns
    present = {link.name for link in network.links if link.netns == netns}
    needed: dict[str, list[str]] = {}
    for socket in image.sockets:
        if name := socket.socket_options.get("SO_BINDTODEVICE"):
            needed.setdefault(str(name), []).append(str(socket.connection.local))
    for name, uses in needed.items():
        if present and name not in present:
            rename = (*landing.entering, "ip", "link", "set", "DEVICE", "name", name)
            yield Problem(
                Severity.ERROR,
                Subject("image", image.path, {"path": image.path, "netns": netns}),
                f"{listed(uses)} is bound to the device {name}, which is not in {landing.place}: the restore will "
                "fail.",
                facts={"device": name, "sockets": uses, "present": sorted(present)},
                quotes=(Quote("network", f"links: {listed(sorted(present), 8)}"),),
                fixes=(Fix("Give a device that name (it must be down).", rename),),
            )
