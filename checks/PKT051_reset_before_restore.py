"""The host of the images reset the connection itself, before they were restored.

What it looks at
----------------
Packet captures: resets from the address of the images' own end, and whether the restore came before them. A reset
without ACK answers a segment that belongs to no socket; one with ACK was sent by a socket that was aborted.

Why it matters
--------------
Between dump and restore no socket owns the connection. Whatever the peer sends then, a retransmission or a keepalive,
is answered with a reset by any kernel that has the address, unless a lock drops it first. The peer closes; the images
cannot bring the connection back.

What to do
----------
See that the lock stands until the restore: nothing may flush the rules, and nothing may take over the address, such
as a container that is started anew under it.

When it is wrong
----------------
The process ran on after the dump (--leave-running) and reset the connection itself.

References
----------
RFC 9293, 3.10.7.1; net/ipv4/tcp_ipv4.c (tcp_v4_send_reset), net/ipv4/tcp_output.c (tcp_send_active_reset).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Severity, Subject
from workbench.checking.wire import Reset, quote, wires
from workbench.evidence import Capture, ImageDirectory

CODE = "PKT051"
NAME = "reset-before-restore"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...], captures: tuple[Capture, ...]) -> Iterator[Problem]:
    """One problem for each connection."""
    for wire in wires(images, captures):
        for reset in wire.resets:
            if reset.by_peer or (wire.revived is not None and wire.revived.at_ns < reset.packet.at_ns):
                continue
            local = wire.socket.connection.unmapped.local
            if reset.packet.acks:  # an answer to a segment with ACK has none
                how = f"{local} reset the connection of its own accord"
                why = "the program, or another restore of it, was ended with data unread, or closed without lingering"
            else:
                how = f"{local} answered {'what the peer sent' if _has_data(reset) else 'the peer'} with a reset"
                why = "no socket owned the connection and no lock held the segment back"
            yield Problem(
                Severity.ERROR,
                Subject("socket", str(wire.socket.connection), {"connection": str(wire.socket.connection.unmapped)}),
                f"{how} before {wire.image.path} was restored: {why}. The peer has closed.",
                facts={"images": wire.image.path},
                quotes=tuple(quote(wire.capture, each) for each in (reset.answered, reset.packet) if each is not None),
                fixes=(Fix("Keep the lock until the restore, and the address free of other sockets."),),
                weight=20,
            )
            break


def _has_data(reset: Reset) -> bool:
    return reset.answered is not None and reset.answered.length > 0
