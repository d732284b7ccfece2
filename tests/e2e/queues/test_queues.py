"""Queues of live sockets, looked at while their owners run and while they stand still for a moment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.connection.both_ends import LARGE, pattern
from tests.e2e.connection.harness import BothEnds, until
from workbench.collect.borrowed import read_all_options
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, TcpState
from workbench.evidence.queues import QueuePart, SocketQueues
from workbench.operation import queues
from workbench.operation.queues import LiveSocket, QueueReader, plan_stop, read_with_stop
from workbench.repair.constants import SO_PEEK_OFF, TCP_REPAIR

pytestmark = pytest.mark.root
FAILING = Path(__file__).with_name("failing_stop.py")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def ends(request: pytest.FixtureRequest) -> Iterator[BothEnds]:
    made = BothEnds(*request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def enduring() -> Iterator[BothEnds]:
    """A connection that bears it all; its owner peeks by SO_PEEK_OFF."""
    made = BothEnds("4", "in-flight")
    with made.borrowed() as sock:
        sock.setsockopt(1, SO_PEEK_OFF, 0)
    yield made
    made.close()


def of(ends: BothEnds) -> LiveSocket:
    return LiveSocket.at(ends.pid, ends.fd)


def options(ends: BothEnds) -> dict[str, int | str]:
    with ends.borrowed() as sock:
        return read_all_options(sock) | {"TCP_REPAIR": sock.getsockopt(6, TCP_REPAIR)}


def states(pid: int) -> set[str]:
    return {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()}


def content(part: QueuePart | Gap) -> bytes:
    assert isinstance(part, QueuePart)
    assert len(part.content) == part.length
    return part.content


def check_sent(ends: BothEnds, read: SocketQueues) -> None:
    """What is in flight and unsent is the end of what was written, numbered as the kernel numbers it."""
    now = ends.sequences()
    flown, unsent = content(read.in_flight), content(read.unsent)
    assert flown + unsent == pattern(ends.written)[ends.written - len(flown) - len(unsent) :]
    assert read.sequences is not None
    assert read.sequences.write_seq == now.write_seq
    assert isinstance(read.in_flight, QueuePart)
    assert isinstance(read.unsent, QueuePart)
    assert read.in_flight.start == read.sequences.snd_una
    assert read.unsent.start == read.sequences.snd_nxt
    fin = read.state is TcpState.FIN_WAIT1
    assert read.unsent.sequence(read.unsent.length + fin) == now.write_seq


@pytest.mark.parametrize("ends", [("4", "unread"), ("6", "unread")], indirect=True)
def test_a_receive_queue_is_seen_while_its_owner_runs(ends: BothEnds) -> None:
    reader = QueueReader()
    before = options(ends)
    read = reader.peek(of(ends))
    assert content(read.received) == pattern(1000)
    assert isinstance(read.received, QueuePart)
    assert read.received.start == ends.sequences().copied_seq
    assert isinstance(read.unsent, Gap)
    ends.order("send 500")
    more = reader.peek(of(ends), limit=1200)
    assert isinstance(more.received, QueuePart)
    assert (more.received.content, more.received.length) == (pattern(1000) + pattern(200), 1500)
    assert options(ends) == before
    reader.close()


@pytest.mark.parametrize("ends", [("4", "unread")], indirect=True)
def test_an_owner_that_keeps_a_place_in_its_queue_is_left_alone(ends: BothEnds) -> None:
    reader = QueueReader()
    with ends.borrowed() as sock:
        sock.setsockopt(1, SO_PEEK_OFF, 7)
        with pytest.raises(WorkbenchError, match="SO_PEEK_OFF"):
            reader.peek(of(ends))
        assert content(read_with_stop(of(ends)).received) == pattern(1000)
        assert sock.getsockopt(1, SO_PEEK_OFF) == 7
    reader.close()


@pytest.mark.parametrize(
    "ends",
    [("4", "unsent"), ("6", "in-flight"), ("4", "in-flight"), ("4", "fin-wait1"), ("6", "close-wait"), ("4", "threads"),
     ("4", "shared")],
    indirect=True,
)  # fmt: skip
def test_the_send_queue_is_read_and_everything_is_as_it_was(ends: BothEnds) -> None:
    before = options(ends)
    assert before["TCP_NODELAY"] == before["SO_REUSEADDR"] == 1
    plan = plan_stop(of(ends))
    read = read_with_stop(of(ends))
    assert options(ends) == before
    assert states(ends.pid) == {"S"}
    check_sent(ends, read)
    assert read.stop is not None
    assert read.stop.threads == plan.threads
    assert read.stop.processes == len(plan.holders)
    if ends.written:
        length, _ = ends.order("drain").split()
        assert int(length) == ends.written


@pytest.mark.parametrize(("ends", "threads"), [(("4", "shared"), [1, 1]), (("4", "threads"), [4])], indirect=["ends"])
def test_it_says_who_would_stand_still(ends: BothEnds, threads: list[int]) -> None:
    plan = plan_stop(of(ends))
    assert [each for _, _, each in plan.holders] == threads
    least, most = plan.expected_ms
    assert 0 < least < most


def test_large_queues() -> None:
    ends = BothEnds("4", "large")
    try:
        ends.order(f"send {LARGE}")
        reader = QueueReader()
        peeked = reader.peek(of(ends))
        reader.close()
        read = read_with_stop(of(ends))
        assert content(read.received) == content(peeked.received) == pattern(LARGE)
        check_sent(ends, read)
        assert len(content(read.in_flight)) + len(content(read.unsent)) > LARGE // 2
    finally:
        ends.close()


@pytest.mark.parametrize("step", ["told", "stopped", "repairing", "read", "released"])
def test_whoever_stops_them_is_killed(enduring: BothEnds, step: str) -> None:
    ends = enduring
    before = options(ends)
    with pytest.raises(WorkbenchError, match="was killed; everybody runs on"):
        read_with_stop(of(ends), (sys.executable, str(FAILING), step, "itself"))
    assert options(ends) == before
    until(lambda: states(ends.pid) == {"S"})


@pytest.mark.parametrize("step", ["told", "stopped", "repairing", "read", "released"])
def test_whoever_asked_is_killed(enduring: BothEnds, step: str) -> None:
    ends = enduring
    before = options(ends)
    where, command = f"{ends.pid}, {ends.fd}, {ends.inode}", (sys.executable, str(FAILING), step, "asker")
    program = f"from workbench.operation.queues import *; read_with_stop(LiveSocket({where}), {command})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    asker = subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE)
    _, said = asker.communicate(timeout=60)  # its helper holds the same pipe, and has ended when this returns
    assert asker.returncode == -signal.SIGKILL, said
    until(lambda: options(ends) == before)
    until(lambda: states(ends.pid) == {"S"})


def test_after_all_that_it_is_whole(enduring: BothEnds) -> None:
    check_sent(enduring, read_with_stop(of(enduring)))
    length, _ = enduring.order("drain").split()
    assert int(length) == enduring.written


@pytest.mark.parametrize("ends", [("4", "unsent")], indirect=True)
def test_who_stood_still_before_stands_still_afterwards(ends: BothEnds) -> None:
    ends.stop()
    read = read_with_stop(of(ends))
    assert states(ends.pid) == {"T"}
    assert read.stop is not None
    assert read.stop.processes == 0
    ends.go_on()


def test_a_thread_with_descriptors_of_its_own_is_not_overlooked() -> None:
    program = (
        "import ctypes, os, socket, sys, threading\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "one = socket.create_connection(listener.getsockname())\n"
        "two, _ = listener.accept()\n"
        "apart = threading.Event()\n"
        "def hold():\n"
        "    ctypes.CDLL(None).unshare(0x400)\n"  # CLONE_FILES
        "    apart.set()\n"
        "    threading.Event().wait()\n"
        "threading.Thread(target=hold, daemon=True).start()\n"
        "apart.wait()\n"
        "if os.fork():\n"
        "    one.close()\n"
        "    print(two.fileno(), flush=True)\n"
        "else:\n"
        "    print(os.getpid(), one.fileno(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        lines = sorted((running.stdout.readline().split() for _ in range(2)), key=len)
        pid, fd = map(int, lines[1])
        where = LiveSocket.at(pid, fd)
        with pytest.raises(WorkbenchError, match=f"Process {running.pid} holds the socket too, in a thread"):
            read_with_stop(where)
        assert states(pid) == {"S"}


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    for pid, fd in ((os.getpid(), 99_999), (1 << 22, 3)):
        with pytest.raises(WorkbenchError, match="has no descriptor"):
            LiveSocket.at(pid, fd)
    with (tmp_path / "file").open("w") as file, pytest.raises(WorkbenchError, match="no socket"):
        LiveSocket.at(os.getpid(), file.fileno())
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = LiveSocket.at(os.getpid(), listener.fileno())
        for look in (QueueReader().peek, plan_stop, read_with_stop):
            with pytest.raises(WorkbenchError, match="not connected"):
                look(where)


def test_who_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_ANSWERS_S", 0.05)
    started = time.monotonic()
    with pytest.raises(WorkbenchError, match="does not answer"):
        read_with_stop(LiveSocket(os.getpid(), 0, 0), (sys.executable, "-c", "import time; time.sleep(60)"))
    assert time.monotonic() - started < 30
