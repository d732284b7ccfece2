"""The guided commands at a terminal: typed confirmation, holds, Ctrl-C."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.operation.conftest import Bench

pytestmark = [pytest.mark.root, pytest.mark.criu]

ANSWER_S = 30.0


class Session:
    """A command whose standard streams are a terminal."""

    def __init__(self, *words: str) -> None:
        self._terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workbench.main", *words], stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.text = ""

    def expect(self, pattern: str) -> None:
        """Read until the pattern comes."""
        deadline = time.monotonic() + ANSWER_S
        start = len(self.text)
        while not re.search(pattern, self.text[start:]):
            assert time.monotonic() < deadline, self.text
            if select.select([self._terminal], [], [], 0.1)[0]:
                self.text += self._read()

    def type(self, line: str) -> None:
        os.write(self._terminal, f"{line}\n".encode())

    def end(self) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + ANSWER_S
        while part := self._read():
            self.text += part
            assert time.monotonic() < deadline, self.text
        return self.process.wait(ANSWER_S)

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 4096).decode(errors="replace")
        except OSError:  # EIO: the other side is closed
            return ""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)


@pytest.fixture
def session() -> Iterator[Callable[..., Session]]:
    made: list[Session] = []

    def start(*words: str) -> Session:
        made.append(Session(*words))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_confirmed_by_typing_the_pid(bench: Bench, session: Callable[..., Session]) -> None:
    pid, images = str(bench.lab.server_pid), str(bench.lab.images)
    dump = session("dump", pid, "-D", images)
    dump.expect(f"Type {pid} to go on")
    dump.type(pid)
    assert dump.end() == 0, dump.text
    assert "Dump succeeded" in dump.text
    restore = session("restore", "-D", images)
    restore.expect(f"Type {pid} to go on")
    restore.type(pid)
    assert restore.end() == 0, restore.text
    assert "goes on" in restore.text
    bench.assert_alive()


def test_anything_else_leaves_it(bench: Bench, session: Callable[..., Session]) -> None:
    dump = session("dump", str(bench.lab.server_pid), "-D", str(bench.lab.images))
    dump.expect("to go on")
    dump.type("y")
    assert dump.end() == 2
    assert "not confirmed" in dump.text
    assert not bench.lab.images.exists()
    bench.assert_alive()


def test_held_then_continued_then_turned_back(bench: Bench, session: Callable[..., Session]) -> None:
    dump = session(
        "dump", str(bench.lab.server_pid), "-D", str(bench.lab.images), "--yes",
        "--hold", "frozen", "--hold", "images-complete",
    )  # fmt: skip
    dump.expect("c continue, b turn back: ")
    dump.type("what")
    dump.expect("c continue, b turn back: ")
    dump.type("c")
    dump.expect("c continue, b turn back: ")
    dump.type("b")
    assert dump.end() == 1, dump.text
    assert "turned back" in dump.text
    bench.assert_alive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("hold", ["frozen", "images-complete"])
def test_interrupted_at_a_hold(
    bench: Bench, session: Callable[..., Session], hold: str, number: signal.Signals
) -> None:
    dump = session("dump", str(bench.lab.server_pid), "-D", str(bench.lab.images), "--yes", "--hold", hold)
    dump.expect("c continue, b turn back: ")
    dump.process.send_signal(number)
    assert dump.end() == 130, dump.text
    bench.assert_alive()


def test_a_closed_terminal_turns_back(bench: Bench, session: Callable[..., Session]) -> None:
    dump = session("dump", str(bench.lab.server_pid), "-D", str(bench.lab.images), "--yes", "--hold", "images-complete")
    dump.expect("c continue, b turn back: ")
    dump.type("\x04")
    assert dump.end() == 1, dump.text
    bench.assert_alive()


def test_the_question_ends_when_criu_dies(bench: Bench, session: Callable[..., Session]) -> None:
    dump = session("dump", str(bench.lab.server_pid), "-D", str(bench.lab.images), "--yes", "--hold", "images-complete")
    dump.expect("c continue, b turn back: ")
    tracer = int(re.findall(r"TracerPid:\s+(\d+)", Path(f"/proc/{bench.lab.server_pid}/status").read_text())[0])
    held = os.pidfd_open(tracer)
    signal.pidfd_send_signal(held, signal.SIGKILL)
    os.close(held)
    assert dump.end() == 1, dump.text
    assert "signal 9" in dump.text
    bench.assert_alive()


@pytest.mark.parametrize("words", [["--leave-running"], ["--leave-running", "--format", "json"]])
def test_the_status_does_not_depend_on_a_reader(bench: Bench, words: list[str]) -> None:
    command = [sys.executable, "-m", "workbench.main", "dump", str(bench.lab.server_pid), "-D", str(bench.lab.images)]
    reading, writing = os.pipe()
    os.close(reading)
    first = subprocess.run([*command, "--yes", *words], stdout=writing, stderr=subprocess.PIPE, check=False)
    assert first.returncode == 0, first.stderr
    again = subprocess.run([*command, "--yes", *words], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert again.returncode == 2, again.stderr
    assert b"not empty" in again.stderr
    bench.assert_alive()


def test_recover_asks_first(bench: Bench, session: Callable[..., Session]) -> None:
    bench.doom("dump", "nftables", "post-dump:answering", "both")
    asked = session("recover")
    asked.expect("Type yes to do this")
    assert "left in repair mode" in asked.text
    asked.type("no")
    assert asked.end() == 2
    assert len(bench.locks()) == 1
    done = session("recover", "--yes")
    assert done.end() == 0, done.text
    bench.assert_alive()
