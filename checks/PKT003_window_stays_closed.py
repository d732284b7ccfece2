"""One end of a connection keeps its window closed while the other wants to send.

What it looks at
----------------
In captures: a window of zero that stood for at least a second when the capture ended, and was probed.

Why it matters
--------------
The program at that end does not read, since it is stopped, hangs, or waits for something else. No data flows. The other
end probes for as long as it is answered, unless it has a TCP_USER_TIMEOUT: then it gives up though the host is well.

What to do
----------
Look at the process at that end: whether it is stopped (SIGSTOP, a freezer, a checkpoint under way) and what it waits
for. `workbench queues` shows what it has not read.

When it is wrong
----------------
A program that reads slowly on purpose.

References
----------
RFC 9293 3.8.6.1; tcp(7), TCP_USER_TIMEOUT.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Capture
from workbench.evidence.packet_notes import Flow
from workbench.evidence.packet_sign import Sign

CODE = "PKT003"
NAME = "window-stays-closed"
SINCE = "0.1"

CLOSED_NS = 1_000_000_000


def check(flows: tuple[tuple[Capture, Flow], ...]) -> Iterator[Problem]:
    """One problem for each end whose window is closed."""
    for capture, flow in flows:
        for way, since_ns in flow.closed_windows:
            length = flow.last_ns - since_ns
            if length < CLOSED_NS or not flow.signs.get(Sign.WINDOW_PROBE):
                continue
            yield Problem(
                Severity.WARNING,
                Subject("socket", str(flow.connection), {"connection": str(flow.connection)}),
                f"{way.local} has kept its window closed for {length / 1e9:.1f} s: its program does not read what "
                f"{way.peer} sends.",
                facts={"capture": capture.origin, "since_ns": since_ns, "probes": flow.signs[Sign.WINDOW_PROBE]},
                quotes=(Quote(capture.origin, f"{way}: window 0"),),
                fixes=(Fix("See whether the process at that end is stopped."),),
            )
