"""Stages of a recorded log on the clock of all other events."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from workbench.evidence import Stage
from workbench.evidence.event import EventKind
from workbench.read.criu_log import parse_line
from workbench.read.log_events import OperationStages, began_ns, stage_events

LOG = Path("fixtures/recordings/established/images/dump.log")
LINES = [parse_line(number, text) for number, text in enumerate(LOG.read_text().splitlines(), 1)]


def test_stages_stand_where_the_log_says() -> None:
    found = list(stage_events(LINES, 5_000_000_000))
    assert {event.kind for event in found} == {EventKind.STAGE}
    assert {Stage.FROZEN.value, Stage.IMAGES_COMPLETE.value} <= {event.reason for event in found}
    assert [event.at_ns for event in found] == sorted(event.at_ns for event in found)
    first = next(line for line in LINES if line.stage)
    assert first.seconds is not None
    assert found[0].at_ns == 5_000_000_000 + round(first.seconds * 1e9)
    assert found[0].details["line"] == first.number


def test_when_criu_began_follows_from_its_last_line() -> None:
    last = max(line.seconds for line in LINES if line.seconds is not None)
    assert began_ns(LINES, 10_000_000_000) == 10_000_000_000 - round(last * 1e9)
    assert began_ns([parse_line(1, "no time stamp")], 1) is None
    assert began_ns([], 1) is None


def test_stages_of_a_growing_log_are_told_once_and_on_one_clock() -> None:
    log = [replace(line, file="dump.log") for line in LINES]
    stages = OperationStages()
    now = 10_000_000_000
    half = len(log) // 2
    found = stages.reached(log[:half], now)
    found += stages.reached(log[:half], now + 1)
    late = stages.reached(log, now + 60_000_000_000)
    reasons = [event.reason for event in (*found, *late)]
    assert all(one != other for one, other in pairwise(reasons)), "one stage, several lines"
    assert {Stage.FROZEN.value, Stage.IMAGES_COMPLETE.value} <= set(reasons)
    assert late[-1].at_ns < now + 2_000_000_000, "what is read late happened early"
