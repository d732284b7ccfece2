"""The images hold a connection between link-local IPv6 addresses, which no CRIU can restore.

What it looks at
----------------
Connections in the images whose own address begins with fe80:.

Why it matters
--------------
A link-local address says nothing without its device, and CRIU's library for TCP binds the socket without it: `Can't
bind inet socket back: Invalid argument`. The dump gave no warning.

What to do
----------
Restore with --tcp-close: everything but the connections comes back. Next time, see SCK012 before the dump.

When it is wrong
----------------
A CRIU whose library takes the device along; none does up to 4.2.1.

References
----------
soccr/soccr.c (libsoccr_set_sk_data_noq); RFC 4007.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted, listed
from workbench.checking.targets import connected
from workbench.evidence import ImageDirectory

CODE = "IMG016"
NAME = "link-local-connection"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each directory."""
    for image in images:
        local = [item.connection for item in connected(image) if item.connection.local.address.startswith("fe80:")]
        if local:
            yield Problem(
                Severity.ERROR,
                Subject("image", image.path, {"path": image.path}),
                f"{counted(len(local), 'connection')} in {image.path} ({listed(local)}) use link-local addresses: "
                "CRIU cannot bind them again.",
                facts={"connections": [str(connection) for connection in local]},
                quotes=(Quote(image.path, f"files.img {local[0]}"),),
                fixes=(Fix("Restore with --tcp-close: the program then connects anew."),),
                weight=2,
            )
