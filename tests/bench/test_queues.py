"""How long the processes that hold a socket stand still while its queues are read."""

import statistics
import sys

import pytest

from tests.e2e.connection.both_ends import LARGE
from tests.e2e.connection.harness import BothEnds
from workbench.operation.queues import LiveSocket, plan_stop, read_with_stop

pytestmark = pytest.mark.root
ROUNDS = 15


@pytest.mark.parametrize("situation", ["in-flight", "threads", "large"])
def test_the_length_of_a_stop(situation: str) -> None:
    ends = BothEnds("4", situation)
    try:
        if situation == "large":
            ends.order(f"send {LARGE}")
        where = LiveSocket.at(ends.pid, ends.fd)
        expected = plan_stop(where).expected_ms
        stops = [stop for _ in range(ROUNDS) if (stop := read_with_stop(where).stop) is not None]
    finally:
        ends.close()
    lengths = sorted(stop.milliseconds for stop in stops)
    median, repair = statistics.median(lengths), statistics.median(stop.repair_ms for stop in stops)
    sys.stdout.write(
        f"\n{situation}: stop median {median:.2f} ms, most {lengths[-1]:.2f} ms, repair mode {repair:.2f} ms,"
        f" announced {expected[0]:.1f} to {expected[1]:.1f} ms\n"
    )
    assert len(lengths) == ROUNDS
