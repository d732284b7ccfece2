"""The peer had gone on when the images were restored, or has gone on since: it knows bytes that they do not.

What it looks at
----------------
Packet captures and the sequence numbers in the images: the highest byte that the peer acknowledged, the highest byte
that it was acknowledged and what it sends again, up to the moment at which the images were restored.

Why it matters
--------------
Images are a moment of one end. If the connection went on after it, because the dump left the process running or
because the same images were restored before, the two ends no longer agree: the restored one sends bytes again that
the peer has had, and waits for bytes that the peer has thrown away since they were acknowledged. No reset follows;
both sides repeat themselves until one gives up.

What to do
----------
Restore from images of the last moment, each of them once. The connection is lost; let the program connect anew.

When it is wrong
----------------
The capture is of another connection that later used the same addresses and ports.

References
----------
RFC 9293, 3.10.7.4; net/ipv4/tcp_input.c (tcp_ack: too old ACK).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Severity, Subject
from workbench.checking.phrases import counted
from workbench.checking.wire import quote, wires
from workbench.evidence import Capture, ImageDirectory

CODE = "PKT050"
NAME = "images-behind-peer"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...], captures: tuple[Capture, ...]) -> Iterator[Problem]:
    """One problem for each connection."""
    for wire in wires(images, captures):
        ahead = wire.ahead()
        if not ahead:
            continue
        knows = []
        if ahead.received > 0:
            knows.append(f"has received {counted(ahead.received, 'byte')} that the images have not sent yet")
        if ahead.missing > 0:
            knows.append(f"will not send {counted(ahead.missing, 'byte')} again that the images still expect")
        restored = wire.revived is not None
        when = "was restored while its peer had gone on" if restored else "has gone on since the images were made"
        quoted = [each for each in (wire.revived, *wire.theirs[-1:]) if each is not None]
        yield Problem(
            Severity.ERROR if restored else Severity.WARNING,
            Subject("socket", str(wire.socket.connection), {"connection": str(wire.socket.connection.unmapped)}),
            f"{wire.socket.connection} {when}: the peer {' and '.join(knows)}.",
            facts={"received": ahead.received, "missing": ahead.missing, "images": wire.image.path},
            quotes=tuple(quote(wire.capture, each) for each in quoted),
            fixes=(Fix("Do not restore these images again; restore later ones, or let the program connect anew."),),
            weight=10,
        )
