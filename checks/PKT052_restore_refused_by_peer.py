"""The peer answered the restored connection with a reset: it did not know it any more.

What it looks at
----------------
Packet captures: the first segment after the restore of a connection of the images, and resets of the peer that follow
it.

Why it matters
--------------
When a restored socket leaves repair mode, its kernel sends one bare ACK. A peer that has the connection answers with
an ACK; one that gave up while it waited, was restarted or closed answers with a reset. The program sees ECONNRESET on
its next call.

What to do
----------
Make the time between dump and restore shorter than the peer's patience (its TCP_USER_TIMEOUT, or about 15 minutes of
retransmissions; programs often have time-outs of their own), and restore the same images only once.

When it is wrong
----------------
A firewall on the way answered in the peer's name.

References
----------
RFC 9293, 3.10.7.1; tcp(7), tcp_retries2, TCP_USER_TIMEOUT.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Severity, Subject
from workbench.checking.wire import quote, wires
from workbench.evidence import Capture, ImageDirectory

CODE = "PKT052"
NAME = "restore-refused-by-peer"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...], captures: tuple[Capture, ...]) -> Iterator[Problem]:
    """One problem for each connection."""
    for wire in wires(images, captures):
        revived = wire.revived
        if revived is None:
            continue
        reset = next(
            (
                each
                for each in wire.resets
                if each.by_peer and each.packet.at_ns >= revived.at_ns and each.packet.seq == revived.ack
            ),
            None,
        )
        if reset is not None:
            yield Problem(
                Severity.ERROR,
                Subject("socket", str(wire.socket.connection), {"connection": str(wire.socket.connection.unmapped)}),
                f"The peer of {wire.socket.connection} answered its restore with a reset: it had closed the connection "
                "or given up while it waited.",
                facts={"images": wire.image.path},
                quotes=(quote(wire.capture, revived), quote(wire.capture, reset.packet)),
                fixes=(Fix("Let the program connect anew; restore sooner next time."),),
                follows=("reset-before-restore", "images-behind-peer"),
                weight=15,
            )
