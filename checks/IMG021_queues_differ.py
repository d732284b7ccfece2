"""The same bytes of a stream are in the images of both ends, and they are not the same.

What it looks at
----------------
Connections of which both ends are in the images: bytes that one end has sent and keeps until they are acknowledged,
and that the other has received and its program has not read yet.

Why it matters
--------------
What is in both queues is the same part of one stream. If it differs, one of the files was damaged or changed after the
dump in a way that keeps its length, which CRIU does not notice: the program would read wrong data.

What to do
----------
Copy both directories again from where they were dumped; compare their checksums.

When it is wrong
----------------
Two connections of different hosts may have the same addresses, ports and, by chance, near sequence numbers.

References
----------
RFC 9293, 3.4; images/tcp-stream.proto; criu/sk-tcp.c.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.pairs import End, both_ends
from workbench.evidence import ImageDirectory, distance

CODE = "IMG021"
NAME = "queues-differ"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each direction of each connection."""
    for pair in both_ends(images):
        for receiver, sender in ((pair.first, pair.second), (pair.second, pair.first)):
            place = _first_difference(receiver, sender)
            if place is None:
                continue
            connection = sender.socket.connection
            yield Problem(
                Severity.ERROR,
                Subject(
                    "image",
                    str(connection),
                    {"connection": str(connection.unmapped), "paths": (sender.image.path, receiver.image.path)},
                ),
                f"Both ends of {connection} have byte {place} of the stream, and it is not the same in "
                f"{sender.image.path} and in {receiver.image.path}: one of them was damaged.",
                facts={"sequence_number": place},
                quotes=tuple(
                    Quote(end.image.path, f"tcp-stream-{end.socket.inode:x}.img") for end in (sender, receiver)
                ),
                fixes=(Fix("Copy both directories again from where they were dumped."),),
            )


def _first_difference(receiver: End, sender: End) -> int | None:
    """Sequence number of the first byte that differs; None if none does, or if no byte is in both queues."""
    if receiver.socket.queue is None or sender.socket.queue is None:
        return None
    received, sent = receiver.socket.queue.received, sender.socket.queue.sent
    start = distance(receiver.sequences.copied_seq, sender.sequences.snd_una)
    if abs(start) > max(len(received), len(sent)):
        return None
    received, sent = received[max(start, 0) :], sent[max(-start, 0) :]
    for offset, (one, other) in enumerate(zip(received, sent, strict=False)):
        if one != other:
            return (receiver.sequences.copied_seq + max(start, 0) + offset) % (1 << 32)
    return None
