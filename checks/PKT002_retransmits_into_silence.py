"""One end of a connection repeats its segments and gets no answer until the capture ends.

What it looks at
----------------
In captures: at least three segments that want an answer, over at least a second, after the last one that was answered.

Why it matters
--------------
The peer is gone, or something drops the segments: a network lock that still stands is the usual reason after a
checkpoint. The end that repeats gives up after some time (15 minutes by default), and then the connection cannot be
restored any more.

What to do
----------
Look at the other end: `workbench locks` shows locks there, `workbench check` judges them. If the process is dumped,
restore it before this end gives up.

When it is wrong
----------------
The capture was ended in the middle of an ordinary loss, or sees one direction only.

References
----------
RFC 6298; tcp(7), tcp_retries2.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Capture
from workbench.evidence.packet_notes import Flow

CODE = "PKT002"
NAME = "retransmits-into-silence"
SINCE = "0.1"

SEGMENTS = 3
SILENT_NS = 1_000_000_000


def check(flows: tuple[tuple[Capture, Flow], ...]) -> Iterator[Problem]:
    """One problem for each end that waits."""
    for capture, flow in flows:
        for waiting in flow.waiting:
            length = flow.last_ns - waiting.since_ns
            if waiting.segments < SEGMENTS or length < SILENT_NS or waiting.way.reversed not in flow.sent:
                continue
            yield Problem(
                Severity.WARNING,
                Subject("socket", str(flow.connection), {"connection": str(flow.connection)}),
                f"{waiting.way.local} sent {waiting.segments} segments in {length / 1e9:.1f} s to {waiting.way.peer} "
                "and got no answer until the capture ended.",
                facts={"capture": capture.origin, "segments": waiting.segments, "since_ns": waiting.since_ns},
                quotes=(Quote(capture.origin, f"{waiting.way}: {waiting.segments} segments without an answer"),),
                fixes=(Fix("Look for a lock that still stands there.", ("workbench", "locks")),),
                follows=("images-behind-peer", "netlock-leftover"),
            )
