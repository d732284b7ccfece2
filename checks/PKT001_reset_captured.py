"""A capture shows that a connection was reset.

What it looks at
----------------
Segments with RST in captures whose sequence number its receiver waits for, as far as the capture tells: those end the
connection at once. Resets that answer a SYN are left out, since nobody had a connection then.

Why it matters
--------------
The receiver's program gets ECONNRESET and what was on its way is lost. After a checkpoint it means that somebody
answered for a process that was not there: no lock stood, or it was lifted too early.

What to do
----------
Look at who sent it: `workbench packets` shows what it answers, and whether its TTL is that of other segments from
there. On a living host `workbench events` names the sender and the kernel's reason.

When it is wrong
----------------
Programs that close by a reset on purpose (SO_LINGER 0), or before they have read everything.

References
----------
RFC 9293 3.5.2, RFC 5961 3.2.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Capture
from workbench.evidence.captured_reset import captured_reset
from workbench.evidence.packet_notes import Flow
from workbench.evidence.packet_sign import Sign

CODE = "PKT001"
NAME = "reset-captured"
SINCE = "0.1"


def check(flows: tuple[tuple[Capture, Flow], ...]) -> Iterator[Problem]:
    """One problem for each connection, for its first reset."""
    for capture, flow in flows:
        believed = [one for one in flow.resets if one.has(Sign.RESET) and flow.packets > 2]
        if not believed:
            continue
        first = believed[0]
        packet = first.packet
        seen = captured_reset([capture], packet.way, packet.at_ns, packet.seq)
        middle = ""
        if seen is not None and seen.left_there is False:
            middle = " It did not leave there, where other segments do: something between sent it."
        elif seen is not None and seen.odd_ttl and not seen.left_there:
            middle = f" Its TTL is {packet.ttl}, others from there have {seen.ttl}: something between sent it."
        yield Problem(
            Severity.WARNING,
            Subject("socket", str(flow.connection), {"connection": str(flow.connection)}),
            f"{packet.way.local} reset its connection to {packet.way.peer}.{middle}",
            facts={"capture": capture.origin, "resets": len(believed), "at_ns": packet.at_ns},
            quotes=(Quote(capture.origin, f"{packet.way} RST seq {packet.seq} ttl {packet.ttl}"),),
            fixes=(Fix("See what the reset answers.", ("workbench", "packets", capture.origin)),),
            follows=("reset-before-restore", "restore-refused-by-peer", "images-behind-peer"),
        )
