"""The images of both ends of a connection are of different moments: bytes would be lost, or sent twice.

What it looks at
----------------
Connections of which both ends are in the images, in one directory or in several that are given together, and the
sequence numbers of each end.

Why it matters
--------------
What one end expects next must be something that the other end has sent and still remembers. If an end expects a byte
that its peer has not sent yet, its peer was dumped earlier and has gone on since: it would send those bytes once more,
or others in their place. If it expects one that its peer has forgotten, because it was acknowledged, it was dumped
earlier itself, and nobody has the bytes in between. There is no reset: both sides exchange acknowledgements for ever.

What to do
----------
Dump both ends again while neither runs: the second before the first is restored. Or restore with `--tcp-close`.

When it is wrong
----------------
Two connections of different hosts may have the same addresses and ports, as on loopback; then they are no pair.

References
----------
RFC 9293, 3.4; soccr/soccr.c; images/tcp-stream.proto.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.pairs import End, both_ends
from workbench.checking.phrases import counted
from workbench.evidence import ImageDirectory, distance

CODE = "IMG020"
NAME = "ends-out-of-step"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each direction of each connection."""
    for pair in both_ends(images):
        for receiver, sender in ((pair.first, pair.second), (pair.second, pair.first)):
            ahead = distance(sender.sequences.snd_nxt, receiver.sequences.rcv_nxt)
            behind = distance(receiver.sequences.rcv_nxt, sender.sequences.snd_una)
            if ahead > 0:
                yield _problem(receiver, sender, f"has received {counted(ahead, 'byte')} more than it has sent")
            elif behind > 0:
                yield _problem(
                    receiver, sender, f"still expects {counted(behind, 'byte')} that it has forgotten, as acknowledged"
                )


def _problem(receiver: End, sender: End, what: str) -> Problem:
    connection, ours, theirs = sender.socket.connection, receiver.sequences, sender.sequences
    return Problem(
        Severity.ERROR,
        Subject(
            "image",
            str(connection),
            {"connection": str(connection.unmapped), "paths": (sender.image.path, receiver.image.path)},
        ),
        f"The ends of {connection} do not fit together: {sender.image.path} has one end, and the other, in "
        f"{receiver.image.path}, {what}.",
        facts={
            "snd_una": theirs.snd_una, "snd_nxt": theirs.snd_nxt, "rcv_nxt": ours.rcv_nxt,
            "sender": sender.image.path, "receiver": receiver.image.path,
        },
        quotes=(
            Quote(sender.image.path, f"{connection} snd_una {theirs.snd_una} snd_nxt {theirs.snd_nxt}"),
            Quote(receiver.image.path, f"{receiver.socket.connection} rcv_nxt {ours.rcv_nxt}"),
        ),
        fixes=(
            Fix("Dump both ends again, the second before the first is restored."),
            Fix("Or restore with --tcp-close: the programs then connect anew."),
        ),
    )  # fmt: skip
