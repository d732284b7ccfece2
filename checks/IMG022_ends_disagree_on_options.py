"""Both ends of a connection are in the images and remember different agreements: window scale, timestamps or SACK.

What it looks at
----------------
Connections of which both ends are in the images, and what was agreed on when they were made: the scale of each window,
and whether there are timestamps and selective acknowledgements.

Why it matters
--------------
What is agreed on in the handshake holds for the life of a connection, and each image brings its own end back with what
it says. With another scale an end takes the window of its peer for many times larger or smaller than it is; an end that
expects timestamps and gets none drops what it receives (RFC 7323, 3.2).

What to do
----------
One of the directories was edited, or belongs to another connection with the same addresses: dump again.

When it is wrong
----------------
Two connections of different hosts may have the same addresses and ports, as on loopback; then they are no pair.

References
----------
RFC 7323; RFC 2018; soccr/soccr.c (TCP_REPAIR_OPTIONS).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.pairs import both_ends
from workbench.checking.phrases import listed
from workbench.evidence import ImageDirectory, ImageSocket

CODE = "IMG022"
NAME = "ends-disagree-on-options"
SINCE = "0.1"

TIMESTAMPS, SACK, WINDOW_SCALE = 1, 2, 4
"""TCPI_OPT_* (include/uapi/linux/tcp.h)."""


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each connection."""
    for pair in both_ends(images):
        first, second = pair.first.socket, pair.second.socket
        differences = list(_differences(first, second))
        if differences:
            yield Problem(
                Severity.ERROR,
                Subject(
                    "image",
                    str(first.connection),
                    {
                        "connection": str(first.connection.unmapped),
                        "paths": (pair.first.image.path, pair.second.image.path),
                    },
                ),
                f"The ends of {first.connection} in {pair.first.image.path} and in {pair.second.image.path} do not "
                f"agree: {listed(differences)}.",
                facts={"differences": differences},
                quotes=tuple(
                    Quote(end.image.path, f"tcp-stream-{end.socket.inode:x}.img") for end in (pair.first, pair.second)
                ),
                fixes=(Fix("Dump both ends again."),),
            )


def _differences(first: ImageSocket, second: ImageSocket) -> Iterator[str]:
    if first.options is None or second.options is None:
        return
    for bit, name in (
        (TIMESTAMPS, "timestamps"),
        (SACK, "selective acknowledgements"),
        (WINDOW_SCALE, "window scaling"),
    ):
        if (first.options ^ second.options) & bit:
            one = first if first.options & bit else second
            yield f"only {one.connection.local} uses {name}"
    if first.options & second.options & WINDOW_SCALE:
        for sender, receiver in ((first, second), (second, first)):
            if sender.snd_wscale != receiver.rcv_wscale:
                yield (
                    f"{receiver.connection.local} scales its window by {receiver.rcv_wscale} and its peer takes it "
                    f"for {sender.snd_wscale}"
                )
