"""Events as fast as one process can make them: what reading costs, and how many are lost on the way."""

import sys
import time

import pytest

from tests.e2e.events.load import EACH, counted, record
from workbench.collect.events.reader import EventReader

pytestmark = pytest.mark.root

ATTEMPTS = 30_000


def test_a_storm_of_refused_connections() -> None:
    reader = EventReader()
    assert reader.start() is None
    busy, begin = time.process_time(), time.monotonic()
    events = record(reader, ATTEMPTS)
    took, busy = time.monotonic() - begin, time.process_time() - busy
    made = ATTEMPTS * sum(EACH.values())
    seen = sum(counted(events).values())
    sys.stdout.write(
        f"\n{made} events in {took:.1f} s ({made / took:.0f}/s): {seen / made:.1%} seen, {reader.lost} records lost,"
        f" {busy / len(events) * 1e6:.1f} us of one processor for each\n"
    )
    assert seen + reader.lost >= made


def test_what_watching_costs_those_who_are_watched() -> None:
    def attempts_per_second() -> float:
        from tests.e2e.events.load import attempt

        begin = time.monotonic()
        attempt(10_000).wait()
        return 10_000 / (time.monotonic() - begin)

    alone = attempts_per_second()
    with EventReader() as reader:
        assert reader.gaps == ()
        watched = attempts_per_second()
        reader.take(0)
    sys.stdout.write(f"\nrefused connections a second: {alone:.0f} alone, {watched:.0f} watched\n")
