"""What the peer of a connection went through between dump and restore.

What it looks at
----------------
Packet captures: what the peer sent again while nobody answered, the first segment after the restore, and what was
acknowledged since.

Why it matters
--------------
While a connection is locked its peer retransmits, each time after twice the time, and gives up in the end. How long
it waited and whether the connection went on afterwards is what a migration is judged by.

What to do
----------
Nothing, if the wait was short enough. The images are spent: restored once more they would be behind the peer.

When it is wrong
----------------
Packets that the capture missed are missing here too.

References
----------
RFC 6298, section 5; the workbench's guide, on the peer's patience.
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity, Subject
from workbench.checking.phrases import counted
from workbench.checking.wire import quote, wires
from workbench.evidence import Capture, ImageDirectory

CODE = "PKT053"
NAME = "peer-waited"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...], captures: tuple[Capture, ...]) -> Iterator[Problem]:
    """One note for each connection that was restored and went on."""
    for wire in wires(images, captures):
        revived = wire.revived
        if revived is None or wire.resets or wire.ahead():
            continue
        waited = [each for each in wire.repeats if each.at_ns < revived.at_ns]
        before = [
            each.at_ns for each in (*wire.ours, *wire.theirs) if each.at_ns < revived.at_ns and each not in waited
        ]
        silent = (revived.at_ns - max(before)) / 1e9 if before else None
        again = f"The peer sent {counted(len(waited), 'segment')} again" if waited else "The peer had nothing to send"
        while_silent = f" in {silent:.1f} s without an answer" if silent is not None and waited else ""
        gained = wire.gained
        then = f"then {counted(gained, 'byte')} more were acknowledged" if gained else "then both ends agreed"
        yield Problem(
            Severity.NOTE,
            Subject("socket", str(wire.socket.connection), {"connection": str(wire.socket.connection.unmapped)}),
            f"{again}{while_silent}; {then}. The images {'are spent' if gained else 'still fit'}.",
            facts={"repeats": len(waited), "silent_s": silent, "acknowledged_since": gained, "images": wire.image.path},
            quotes=(*(quote(wire.capture, each) for each in waited[-1:]), quote(wire.capture, revived)),
        )
