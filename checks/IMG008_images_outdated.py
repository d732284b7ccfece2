"""The peer of a connection has gone on since the images were made: they are too old for it.

What it looks at
----------------
The sequence numbers in the images, and those of the peer's socket if the peer lives on this host.

Why it matters
--------------
After a dump with `--leave-running`, or when images are restored a second time, the connection went on. A restored
socket would begin where it was at the dump: it would send bytes again that the peer has long had, or acknowledge less
than the peer has forgotten. There is no reset; both sides exchange duplicate acknowledgements for ever.

What to do
----------
Dump again, or restore with `--tcp-close`: the connection is dropped and the program connects anew.

When it is wrong
----------------
Only peers on this host can be compared.

References
----------
RFC 9293, 3.4; net/ipv4/tcp_input.c (tcp_validate_incoming).
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.targets import connected, restored
from workbench.evidence import ImageDirectory, Sequences, Socket, Target, distance

CODE = "IMG008"
NAME = "images-outdated"
SINCE = "0.1"


def check(
    images: tuple[ImageDirectory, ...],
    sockets: Sequence[Socket],
    sequences: Mapping[int, Sequences],
    target: Target,
) -> Iterator[Problem]:
    """One problem for each connection whose peer is ahead of the images."""
    image = restored(images, target)
    if image is None:
        return
    needed = {socket.connection.unmapped.reversed: socket for socket in connected(image)}
    for peer in sockets:
        ours = needed.get(peer.connection.unmapped)
        theirs = sequences.get(peer.cookie) if ours is not None else None
        if ours is None or theirs is None or ours.sequences is None:
            continue
        received = distance(ours.sequences.snd_nxt, theirs.rcv_nxt)
        forgotten = distance(ours.sequences.rcv_nxt, theirs.snd_una)
        if received <= 0 and forgotten <= 0:
            continue
        yield Problem(
            Severity.ERROR,
            Subject("socket", str(ours.connection), {"connection": str(ours.connection.unmapped), "path": image.path}),
            f"The peer of {ours.connection} went on after the dump: it has received {max(received, 0)} bytes more than "
            f"the images have sent, and needs no more to send {max(forgotten, 0)} bytes that the images still expect.",
            facts={
                "image_snd_nxt": ours.sequences.snd_nxt,
                "peer_rcv_nxt": theirs.rcv_nxt,
                "image_rcv_nxt": ours.sequences.rcv_nxt,
                "peer_snd_una": theirs.snd_una,
            },
            quotes=(Quote("sequences", f"{peer.connection} rcv_nxt {theirs.rcv_nxt} snd_una {theirs.snd_una}"),),
            fixes=(Fix("Dump again, or restore with --tcp-close: the program then connects anew."),),
            follows=("tuple-in-use",),
        )
