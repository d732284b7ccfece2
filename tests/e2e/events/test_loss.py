"""What does not fit is counted: nothing is missing that is not reported, and little is reported that is not missing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.events.load import EACH, OF_TRACEFS, attempt, counted, record
from workbench.collect.events.instance import Instance
from workbench.collect.events.reader import EventReader
from workbench.collect.events.records import Seen
from workbench.collect.events.tracefs import tracefs
from workbench.collect.events.translate import TRACEPOINTS
from workbench.evidence.event import EventKind

pytestmark = pytest.mark.root

OUTSIDE = 0.05
"""Part of what happened on the host that happened before the reader had begun, or after it ended."""


@contextmanager
def tally() -> Iterator[Callable[[], int]]:
    """How many events of the tracepoints that the reader enables there were on this host, by the kernel's count."""
    with tracefs() as top:
        instance = Instance(top, 8)
        try:
            instance.enable(TRACEPOINTS[Seen.STATE], "protocol == 6")
            for seen in (Seen.RESET_SENT, Seen.RESET_RECEIVED, Seen.RETRANSMISSION):
                instance.enable(TRACEPOINTS[seen])
            yield (
                lambda: (
                    instance.lost()
                    + sum(
                        int(line.partition(":")[2])
                        for processor in instance.processors
                        for line in (instance.path / f"per_cpu/cpu{processor}/stats").read_text().splitlines()
                        if line.startswith("entries")
                    )
                )
            )
        finally:
            instance.close()


def test_with_room_enough_every_event_is_there_once() -> None:
    reader = EventReader(buffer_kib=16384, ring_bytes=1 << 25)
    assert reader.start() is None
    events = record(reader, 5000)
    assert reader.lost == 0
    assert counted(events) == {kind: times * 5000 for kind, times in EACH.items()}
    ours = [event for event in events if event.kind is EventKind.RESET_SENT and event.reason == "NO_SOCKET"]
    assert all(event.netns and event.segment for event in ours), "each has its own witness"


@pytest.mark.parametrize("kept", ["tracefs", "ring", "neither"])
def test_what_is_missing_is_reported(kept: str) -> None:
    """140 000 events as fast as they come, with too little room for some of them."""
    reader = EventReader(
        buffer_kib=65536 if kept == "tracefs" else 64, ring_bytes=1 << 26 if kept == "ring" else 1 << 16
    )
    with tally() as happened:
        assert reader.start() is None
        events = record(reader, 20_000)
        everything = happened()
    seen = counted(events)
    lost = {"trace": 0, "ring": 0}
    for event in events:
        if event.kind is EventKind.LOSS:
            lost["trace" if "trace buffer" in event.reason else "ring"] += event.lost
    expected = {kind: times * 20_000 for kind, times in EACH.items()}
    assert all(seen[kind] <= expected[kind] for kind in expected), "nothing is there twice"
    missing = dict.fromkeys(lost, 0)
    for kind, count in expected.items():
        missing["trace" if kind[0] in OF_TRACEFS else "ring"] += count - seen[kind]
    # The ring has the witnesses of what tracefs has, too. What the host does beside is lost and counted alike.
    assert missing["trace"] <= lost["trace"]
    assert missing["ring"] <= lost["ring"]
    told = lost["trace"] + sum(event.kind in OF_TRACEFS | {EventKind.RETRANSMISSION} for event in events)
    assert everything * (1 - OUTSIDE) <= told <= everything
    assert reader.lost == sum(lost.values())
    assert (lost["trace"] > 0) is (kept != "tracefs")
    assert (lost["ring"] > 0) is (kept != "ring")


def test_events_that_nobody_takes_are_counted() -> None:
    reader = EventReader(buffer_kib=16384, ring_bytes=1 << 25, most_waiting=1000)
    assert reader.start() is None
    attempt(2000).wait()
    reader.close()
    events = reader.take(0)
    seen = sum(counted(events).values())
    assert seen <= 1000
    assert seen + reader.lost >= 2000 * sum(EACH.values())
    assert [event.kind for event in events].count(EventKind.LOSS) == 1
    assert events[-1].kind is EventKind.LOSS


def test_without_btf_it_says_less_and_says_so() -> None:
    reader = EventReader(buffer_kib=16384, btf=Path("/no/such/btf"))
    assert reader.start() is None
    (gap,) = reader.gaps
    assert "BTF" in gap.reason
    assert "CONFIG_DEBUG_INFO_BTF" in gap.remedy
    events = record(reader, 500)
    seen = counted(events)
    assert {kind: seen[kind, None] for kind in OF_TRACEFS} == {
        kind: times * 500 for (kind, _), times in EACH.items() if kind in OF_TRACEFS
    }
    assert all(event.netns is None for event in events if event.kind is not EventKind.RULES)
    refused = [event for event in events if event.kind is EventKind.DROP and event.reason == "NO_SOCKET"]
    assert len(refused) >= 500, "drops come from tracefs, without addresses"
