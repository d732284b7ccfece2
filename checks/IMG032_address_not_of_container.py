"""A connection of a container's checkpoint has a local address that its engine had not given to the container.

What it looks at
----------------
The local addresses of connections in the images, and the addresses in the archive's `network.status` or annotations.

Why it matters
--------------
On restore the engine makes the container's network anew and gives it the addresses that it has noted. A connection of
any other address cannot be bound: `Can't bind inet socket: Cannot assign requested address`, and the whole restore
fails.

What to do
----------
Give the container that address before its processes are restored (a network of its own in podman, or a hook), or close
the connection before the dump.

When it is wrong
----------------
The container shares the host's network, and the host of the restore has the address.

References
----------
criu/sk-inet.c (open_inet_sk); podman-container-restore(1), --ignore-static-ip.
"""

import ipaddress
from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import listed
from workbench.evidence import ContainerCheckpoint, ImageDirectory

CODE = "IMG032"
NAME = "address-not-of-container"
SINCE = "0.1"


def check(checkpoints: tuple[ContainerCheckpoint, ...], images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each address."""
    known = {image.path: image for image in images}
    for checkpoint in checkpoints:
        image = known.get(checkpoint.images or "")
        given = {each.address for each in checkpoint.addresses}
        if image is None or not given or image.tcp_close:
            continue
        connections = [each.connection.unmapped for each in image.sockets if each.connection.peer.port]
        for address in sorted({each.local.address for each in connections} - given):
            if not ipaddress.ip_address(address).is_loopback:
                yield Problem(
                    Severity.WARNING,
                    Subject("image", checkpoint.path, {"path": checkpoint.path, "address": address}),
                    f"Connections of {checkpoint.name or 'the container'} are bound to {address}, but its engine knows "
                    f"only {listed(sorted(given))}: the restore fails unless the container gets that address.",
                    facts={"address": address, "known": sorted(given)},
                    quotes=tuple(
                        Quote(image.path, str(each))
                        for each in [one for one in connections if one.local.address == address][:3]
                    ),
                    fixes=(Fix(f"Give the container the address {address} before it is restored."),),
                )
