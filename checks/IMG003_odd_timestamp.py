"""Restoring this connection would switch its timestamps to microseconds, and its peer would drop what it sends.

What it looks at
----------------
The timestamp in each stream image, and whether the connection used microsecond timestamps when it was dumped.

Why it matters
--------------
Since Linux 6.7 the lowest bit of the value by which CRIU restores the timestamp clock means ``in microseconds``. CRIU
writes the value as it was read; on an older kernel it is odd by chance, every second time. The restored connection
then counts a thousand times faster than its peer has seen, and loses protection against old segments, or the
connection itself.

What to do
----------
Clear the lowest bit of `timestamp` in the image before the restore (`crit decode`, edit, `crit encode`, with a crit
of the same version), or restore on a kernel older than 6.7.

When it is wrong
----------------
Where the images came from a kernel of 6.7 or newer, CRIU's value is right and the bit of the options says so.

References
----------
net/ipv4/tcp.c (TCP_TIMESTAMP), Linux 6.7; soccr/soccr.c.
"""

import re
from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted, listed
from workbench.checking.targets import connected
from workbench.evidence import Gap, Host, ImageDirectory

CODE = "IMG003"
NAME = "odd-timestamp"
SINCE = "0.1"

TIMESTAMPS, MICROSECONDS = 1, 64
FIRST_KERNEL = (6, 7)


def check(images: tuple[ImageDirectory, ...], host: Host | Gap) -> Iterator[Problem]:
    """One problem for each directory, with every connection that is concerned."""
    if not isinstance(host, Gap) and _version(host.kernel_release) < FIRST_KERNEL:
        return
    for image in images:
        trapped = [
            socket
            for socket in connected(image)
            if socket.timestamp is not None
            and socket.timestamp & 1
            and socket.options is not None
            and socket.options & TIMESTAMPS
            and not socket.options & MICROSECONDS
        ]
        if trapped:
            yield Problem(
                Severity.WARNING,
                Subject("image", image.path, {"path": image.path}),
                f"{counted(len(trapped), 'connection')} in {image.path} "
                f"({listed(socket.connection for socket in trapped)}) would come back with microsecond timestamps on "
                "Linux 6.7 or newer, which the peer did not agree to: the stored timestamp is odd.",
                facts={"connections": {str(socket.connection): socket.timestamp for socket in trapped}},
                quotes=tuple(
                    Quote(image.path, f"tcp-stream-{socket.inode:x}.img timestamp {socket.timestamp}")
                    for socket in trapped[:3]
                ),
                fixes=(Fix("Clear the lowest bit of the timestamp in these images before the restore."),),
            )


def _version(release: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else FIRST_KERNEL
