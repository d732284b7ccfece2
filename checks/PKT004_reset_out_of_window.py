"""A reset came whose sequence number its receiver does not wait for.

What it looks at
----------------
Segments with RST in captures that lie outside of the window that their receiver announced, or in a SYN's answer
acknowledge something else.

Why it matters
--------------
The receiver ignores it: the connection lives on there, while whoever sent the reset believes it closed, or forged it.
After a restore it is a sign that one end was brought back with other sequence numbers than the peer has, or that a
middlebox or a forger between the two guesses.

What to do
----------
Compare with the images from which the end was restored: `workbench check` with images and captures together. If the TTL
is another than usual, look at what lies between.

When it is wrong
----------------
The capture began in the middle, or missed segments: the window is not known exactly then.

References
----------
RFC 9293 3.10.7.4, RFC 5961 3.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Capture
from workbench.evidence.packet_notes import Flow
from workbench.evidence.packet_sign import Sign

CODE = "PKT004"
NAME = "reset-out-of-window"
SINCE = "0.1"


def check(flows: tuple[tuple[Capture, Flow], ...]) -> Iterator[Problem]:
    """One problem for each connection."""
    for capture, flow in flows:
        outside = [one for one in flow.resets if one.has(Sign.RESET_OUT_OF_WINDOW)]
        if not outside:
            continue
        packet = outside[0].packet
        off = next(note.value for note in outside[0].notes if note.sign is Sign.RESET_OUT_OF_WINDOW)
        yield Problem(
            Severity.NOTE,
            Subject("socket", str(flow.connection), {"connection": str(flow.connection)}),
            f"A reset from {packet.way.local} to {packet.way.peer} was {abs(off)} "
            f"{'before' if off < 0 else 'beyond'} what its receiver waited for: it is ignored.",
            facts={"capture": capture.origin, "resets": len(outside), "off": off},
            quotes=(Quote(capture.origin, f"{packet.way} RST seq {packet.seq} ttl {packet.ttl}"),),
            fixes=(Fix("See what came before it.", ("workbench", "packets", capture.origin)),),
        )
