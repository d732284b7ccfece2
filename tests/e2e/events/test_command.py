"""``workbench events`` as a program: what it prints, how it ends, and that nothing of it stays."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.events.conftest import DEADLINE_S, PORT, Scene
from tests.e2e.events.remote import ACK, RST, Remote
from tests.unprivileged import as_nobody
from workbench.cli.main import run as workbench
from workbench.collect.capture import LiveCapture, Saved
from workbench.collect.events.instance import PREFIX, remove_abandoned
from workbench.collect.events.reader import EventReader
from workbench.collect.events.tracefs import PLACES, tracefs
from workbench.collect.parts import events as events_part
from workbench.evidence import Packet

pytestmark = pytest.mark.root


class Program:
    """The command while it runs."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workbench.main", "events", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.said = ""
        self.complained = ""
        assert self.process.stdout
        assert self.process.stderr
        self._outputs = {self.process.stdout.fileno(): "said", self.process.stderr.fileno(): "complained"}

    def wait_for(self, word: str) -> None:
        """Until it stands on either output."""
        deadline = time.monotonic() + DEADLINE_S
        while word not in self.said + self.complained:
            assert time.monotonic() < deadline, (self.said + self.complained)[-2000:]
            assert self._read(0.1) or self.process.poll() is None, self.complained

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        while self._read(DEADLINE_S):
            pass
        return self.process.wait(DEADLINE_S)

    def _read(self, timeout: float) -> bool:
        found = False
        for descriptor in select.select(list(self._outputs), [], [], timeout)[0]:
            data = os.read(descriptor, 1 << 16).decode()
            setattr(self, self._outputs[descriptor], getattr(self, self._outputs[descriptor]) + data)
            found = found or bool(data)
        return found

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()


@pytest.fixture
def program() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for one in started:
        one.close()


def instances(pid: int | None = None) -> list[str]:
    with tracefs() as top:
        prefix = PREFIX if pid is None else f"{PREFIX}{pid}-"
        return [path.name for path in (top / "instances").iterdir() if path.name.startswith(prefix)]


def reset_a_connection(scene: Scene) -> None:
    server, client = scene.pair(scene.listener())
    client.send(b"never read")
    server.recv(1, 2)  # MSG_PEEK: it has arrived
    server.close()


def test_text_says_who_reset_a_connection_and_ctrl_c_ends_it(scene: Scene, program: list[Program]) -> None:
    shown = Program("--netns", scene.server.name)
    program.append(shown)
    shown.wait_for("recording")
    reset_a_connection(scene)
    shown.wait_for("unread-data")
    assert shown.end() == 0
    lines = shown.said.splitlines()
    assert lines[0].split() == ["TIME", "NETNS", "CONNECTION", "PROCESS", "EVENT"]
    assert any("LISTEN -> SYN_RECV" in line and f"{scene.server.address}:{PORT} > " in line for line in lines)
    attributed = next(index for index, line in enumerate(lines) if "reset (unread-data)" in line)
    sent = next(index for index, line in enumerate(lines) if "reset sent: TCP_ABORT_ON_CLOSE" in line)
    assert sent < attributed, "the sentence stands below the event that it is about"
    assert all(scene.server.name in line for line in lines[1:])
    assert not instances(shown.process.pid)


def test_json_lines_stream(scene: Scene, program: list[Program]) -> None:
    shown = Program("--netns", scene.server.name, "--format", "jsonl")
    program.append(shown)
    shown.wait_for("recording")
    reset_a_connection(scene)
    shown.wait_for('"attribution"')
    assert shown.end(signal.SIGTERM) == 0
    rows = [json.loads(line) for line in shown.said.splitlines()]
    kinds = {row["kind"] for row in rows}
    assert {"state", "reset-sent", "reset-packet", "attribution"} <= kinds
    (found,) = [row for row in rows if row["kind"] == "attribution"]
    assert (found["cause"], found["effect"], found["netns"]) == ("unread-data", "taken", scene.server.inode)
    assert os.getpid() in found["pids"]
    sent = next(row for row in rows if row["kind"] == "reset-sent")
    assert (sent["reason"], sent["pid"], sent["has_socket"]) == ("TCP_ABORT_ON_CLOSE", os.getpid(), True)
    assert [row["at_ns"] for row in rows if row["kind"] != "attribution"] == sorted(
        row["at_ns"] for row in rows if row["kind"] != "attribution"
    )


def test_a_rule_that_rejects_is_named_though_it_was_only_just_made(scene: Scene, program: list[Program]) -> None:
    _, client = scene.pair(scene.listener())
    shown = Program("--netns", scene.server.name, "--format", "jsonl")
    program.append(shown)
    shown.wait_for("recording")
    scene.server.rule("tcp dport 9 reject with tcp reset")
    shown.wait_for('"rules"')
    scene.server.run("nft", f"add rule inet wb c tcp dport {PORT} reject with tcp reset")
    client.send(b"hello")
    shown.wait_for('"attribution"')
    assert shown.end() == 0
    rows = [json.loads(line) for line in shown.said.splitlines()]
    (found,) = [row for row in rows if row["kind"] == "attribution"]
    assert found["cause"] == "reject-rule"
    assert found["rule"]["text"].startswith(f"tcp dport {PORT} reject")
    assert found["netns_name"] == scene.server.name


def test_json_is_one_document(scene: Scene, program: list[Program]) -> None:
    shown = Program("--netns", scene.server.name, "--format", "json", "--seconds", "2")
    program.append(shown)
    shown.wait_for("recording")
    reset_a_connection(scene)
    assert shown.finish() == 0
    document: dict[str, Any] = json.loads(shown.said)
    assert document["schema"] == 1
    assert document["evidence"]["gaps"] == []
    assert [row["cause"] for row in document["attributions"]] == ["unread-data"]
    assert len(document["events"]) >= 6
    assert document["lost"] == 0


def test_a_connection_and_a_process_are_told_from_others(scene: Scene, program: list[Program]) -> None:
    listener = scene.listener()
    server, client = scene.pair(listener)
    address, port = client.getsockname()
    narrow = Program("--connection", f"{scene.server.address}:{PORT}-{address}:{port}", "--format", "jsonl")
    mine = Program("--pid", str(os.getpid()), "--format", "jsonl")
    others = Program("--pid", str(narrow.process.pid), "--format", "jsonl")
    program += [narrow, mine, others]
    for one in program:
        one.wait_for("recording")
    scene.pair(listener)
    server.close()
    client.close()
    for one in program:
        one.wait_for("recording")
    mine.wait_for("FIN_WAIT")
    narrow.wait_for("FIN_WAIT")
    for one in program:
        assert one.end() == 0
    rows = [json.loads(line) for line in narrow.said.splitlines()]
    assert {frozenset((row["local"], row["peer"])) for row in rows} == {
        frozenset((f"{scene.server.address}:{PORT}", f"{address}:{port}"))
    }
    seen = {row["netns"] for row in map(json.loads, mine.said.splitlines())}
    assert {scene.server.inode, scene.client.inode} <= seen
    assert not [line for line in others.said.splitlines() if f":{PORT}" in line]


def test_a_capture_that_is_still_written_is_asked_who_sent_a_reset(
    scene: Scene, program: list[Program], tmp_path: Path
) -> None:
    remote = Remote(scene.server)
    server = scene.server
    path = tmp_path / "a.pcapng"
    with server.inside(lambda: socket.create_server((remote.to[0], PORT))) as listener, path.open("wb") as file:
        live = LiveCapture({server.inode: (server.namespace, server.name)}, None)
        saved = Saved(file, "headers only")

        def captured(flags: int) -> None:
            deadline = time.monotonic() + DEADLINE_S
            found: list[Packet] = []
            while not any(packet.flags & flags == flags and packet.way.local.port == remote.port for packet in found):
                assert time.monotonic() < deadline
                taken = live.take(0.1)
                saved.write(record for record, _ in taken)
                found += [packet for _, packet in taken if packet]

        remote.connect(PORT)
        scene.open.append(listener.accept()[0])
        captured(ACK)
        shown = Program("--netns", server.name, "--capture", str(path))
        program.append(shown)
        shown.wait_for("recording")
        remote.send(RST, ttl=200)
        captured(RST)
        live.close()
    shown.wait_for(
        "(middlebox): something between sent it: captured with TTL 200, while other segments of 10.80.0.9 have 57"
    )
    assert shown.end() == 0
    remote.close()


def test_stages_of_criu_stand_on_the_same_clock(program: list[Program], tmp_path: Path) -> None:
    log = tmp_path / "dump.log"
    shown = Program("--criu-log", str(log), "--format", "jsonl")
    program.append(shown)
    shown.wait_for("recording")
    recorded = Path("fixtures/recordings/established/images/dump.log").read_text()
    before = time.monotonic_ns()
    log.write_text(recorded)
    shown.wait_for('"stage"')
    assert shown.end() == 0
    stages = [row for row in map(json.loads, shown.said.splitlines()) if row["kind"] == "stage"]
    assert [row["at_ns"] for row in stages] == sorted(row["at_ns"] for row in stages)
    assert stages[-1]["at_ns"] <= time.monotonic_ns()
    assert stages[0]["at_ns"] > before - 60_000_000_000
    assert len({row["reason"] for row in stages}) >= 3


def test_what_a_killed_one_leaves_is_idle_and_removed_by_the_next_start(program: list[Program]) -> None:
    doomed = Program()
    program.append(doomed)
    doomed.wait_for("recording")
    (name,) = instances(doomed.process.pid)
    doomed.end(signal.SIGKILL)
    assert instances(doomed.process.pid) == [name]
    with tracefs() as top:
        assert (top / "instances" / name / "tracing_on").read_text().strip() == "0", "the kernel stopped it"
    with EventReader() as reader:
        assert reader.gaps == ()
        assert not instances(doomed.process.pid)
        assert instances(os.getpid()), "one that is in use stays"
        assert remove_abandoned() == ()
    assert not instances(os.getpid())


def test_recover_removes_it_too(program: list[Program], capsys: pytest.CaptureFixture[str]) -> None:
    doomed = Program()
    program.append(doomed)
    doomed.wait_for("recording")
    doomed.end(signal.SIGKILL)
    (name,) = instances(doomed.process.pid)
    workbench(["recover", "--plan"])
    assert name in capsys.readouterr().err
    assert instances(doomed.process.pid) == [name]
    workbench(["recover"])
    assert name in capsys.readouterr().err
    assert not instances(doomed.process.pid)


def test_doctor_tries_it_and_mentions_what_was_left(program: list[Program]) -> None:
    doomed = Program()
    program.append(doomed)
    doomed.wait_for("recording")
    doomed.end(signal.SIGKILL)
    (name,) = instances(doomed.process.pid)
    part = events_part()
    assert (part.works, part.required) == (True, False)
    assert name in part.detail
    assert not instances(doomed.process.pid)
    assert name not in events_part().detail
    refused = as_nobody(lambda: events_part().works is False)
    assert refused


def test_without_privilege_it_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    def attempt() -> int:
        return workbench(["events", "--seconds", "1"])

    assert as_nobody(attempt) == 2
    assert "as root" in capfd.readouterr().err


def test_looking_mounts_nothing() -> None:
    before = Path("/proc/self/mountinfo").read_text()
    with EventReader():
        assert Path("/proc/self/mountinfo").read_text() == before
    assert Path("/proc/self/mountinfo").read_text() == before
    assert PLACES


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--seconds", "0"), "no time"),
        (("--netns", "no-such"), "no-such"),
        (("--pid", "999999999"), "999999999"),
        (("--connection", "here-there"), "here-there"),
        (("--criu-log", "/no/such/dump.log"), "/no/such"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: tuple[str, ...], complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert workbench(["events", *words]) == 2
    assert complaint in capfd.readouterr().err
    assert not instances(os.getpid())
