"""Recording in a process beside: what the application's timeline is fed by."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from tests.e2e.events.conftest import DEADLINE_S, Scene, ends
from tests.e2e.events.load import ADDRESS, attempt
from tests.e2e.events.test_command import instances, reset_a_connection
from tests.unprivileged import as_nobody
from workbench.collect.events.beside import MOST, Recorder, record, thinned
from workbench.collect.events.frames import receive
from workbench.evidence import Connection, Endpoint
from workbench.evidence.attribution import Cause, attribute
from workbench.evidence.event import Event, EventKind
from workbench.evidence.selection import Selection
from workbench.evidence.stretch import Stretch

pytestmark = pytest.mark.root


class Told:
    """What a recorder tells, waited for."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Stretch] = SimpleQueue()
        self.stretches: list[Stretch] = []
        self.recorder = Recorder(self._queue.put)
        self.recorder.start()

    def until(self, reached: Callable[[list[Stretch]], bool]) -> list[Stretch]:
        deadline = time.monotonic() + DEADLINE_S
        while not reached(self.stretches):
            left = deadline - time.monotonic()
            assert left > 0, self.stretches[-1:]
            self.stretches.append(self._queue.get(timeout=left))
        return self.stretches

    def close(self) -> None:
        self.recorder.close()
        self.recorder.wait()


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.close()


def test_stretches_have_events_attributions_and_names(scene: Scene, told: Told) -> None:
    told.until(bool)
    reset_a_connection(scene)

    def found(stretches: list[Stretch]) -> bool:
        return any(one.netns == scene.server.inode for each in stretches for one in each.attributions)

    stretches = told.until(found)
    (one,) = [one for each in stretches for one in each.attributions if one.netns == scene.server.inode]
    assert one.cause is Cause.UNREAD_DATA
    assert stretches[-1].names[scene.server.inode] == scene.server.name
    untils = [each.until_ns for each in stretches]
    assert untils == sorted(untils)
    own = [event for each in stretches for event in each.events if event.netns == scene.server.inode]
    assert own == sorted(own, key=lambda event: event.at_ns)
    assert any(event.kind is EventKind.RESET_SENT and event.details["unread"] == 10 for event in own)


def test_in_a_storm_little_is_told_but_all_of_what_one_looks_at(scene: Scene, told: Told) -> None:
    told.until(bool)
    server, client = scene.pair(scene.listener())
    told.recorder.focus(Selection(connections=[ends(server)]))
    with attempt(4000) as storm:
        server.close()
        client.close()
        storm.wait()
    told.until(lambda stretches: sum(len(each.events) for each in stretches) + stretches[-1].left_out > 4000)
    told.until(lambda stretches: _closings(stretches, scene.server.address) >= 3)
    assert told.stretches[-1].left_out > 0
    assert all(len(each.events) <= MOST + 100 for each in told.stretches)


def _closings(stretches: list[Stretch], address: str) -> int:
    """FIN_WAIT1, FIN_WAIT2 and CLOSE of the end that is closed first."""
    events = [event for each in stretches for event in each.events if event.kind is EventKind.STATE]
    own = [event for event in events if event.connection and event.connection.local.address == address]
    return sum(
        event.before is not None and event.before.name in {"ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2"} for event in own
    )


def test_what_is_rare_or_wanted_is_never_left_out() -> None:
    mine = Connection(Endpoint("10.0.0.1", 1), Endpoint("10.0.0.2", 2))
    other = Connection(Endpoint(ADDRESS, 1), Endpoint(ADDRESS, 2))
    events = [Event(number, EventKind.RETRANSMISSION, connection=other) for number in range(1000)]
    events += [Event(1000, EventKind.RULES), Event(1001, EventKind.LOSS), Event(1002, EventKind.STATE, connection=mine)]
    kept = thinned(Stretch(events), Selection(connections=[mine]))
    assert (len(kept.events), kept.left_out) == (MOST + 3, 600)
    assert [event.at_ns for event in kept.events[-3:]] == [1000, 1001, 1002]
    assert thinned(Stretch(events[:MOST]), None).left_out == 0
    assert len(thinned(Stretch(events), None).events) == MOST + 2
    found = attribute(
        [Event(number, EventKind.RESET_SENT, connection=other, has_socket=True) for number in range(1000)]
    )
    assert len(thinned(Stretch((), found), None).attributions) == MOST


def test_it_ends_with_its_parent_and_leaves_nothing() -> None:
    program = (
        "import sys, time; from workbench.collect.events.beside import Recorder\n"
        "recorder = Recorder(lambda stretch: print(recorder.pid, flush=True)); recorder.start(); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        descriptor = os.pidfd_open(child)
        try:
            assert instances(child)
            parent.send_signal(signal.SIGKILL)
            assert select.select([descriptor], [], [], DEADLINE_S)[0], "it outlives its parent"
        finally:
            os.close(descriptor)
    assert not instances(child)


def test_without_privilege_it_says_so() -> None:
    def ask() -> str:
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        record()  # what the child runs
        refused = receive(reading).refused
        return refused.remedy if refused else ""

    assert as_nobody(ask) == "run as root"
