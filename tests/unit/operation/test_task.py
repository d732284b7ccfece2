"""Processes by their identity."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from workbench.operation.task import (
    Task,
    Tasks,
    await_reaped,
    descendants,
    is_alive,
    program_counter_in,
    start_time_of,
    stat_of,
)


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    code = "import signal; print(1, flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_an_identity(child: "subprocess.Popen[bytes]") -> None:
    start = start_time_of(child.pid)
    assert start is not None
    assert is_alive(child.pid, start)
    assert not is_alive(child.pid, start + 1)
    assert Task.hold(child.pid, start + 1) is None
    task = Task.hold(child.pid, start)
    assert task is not None
    assert not task.gone()
    child.kill()
    assert task.gone(5)
    assert task.state == "Z"
    assert not is_alive(child.pid, start)
    assert await_reaped([child.pid], 0.05) == [child.pid]
    child.wait()
    assert await_reaped([child.pid], 5) == []
    assert task.state == "X"
    task.signal(signal.SIGTERM)
    task.close()


@pytest.mark.parametrize("pid", [-1, 0, 1, 2**40])
def test_what_is_never_held(pid: int) -> None:
    assert Task.hold(pid) is None


def test_stopped_and_let_go(child: "subprocess.Popen[bytes]") -> None:
    with Tasks([(child.pid, None)]) as tasks:
        tasks.signal(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        (task,) = tasks.alive
        assert task.state == "T"
        assert task.threads == ("T",)
        tasks.signal(signal.SIGCONT)
        os.waitpid(child.pid, os.WCONTINUED)
        assert task.state != "T"


def test_a_tree() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        found = descendants(parent.pid)
        assert found[0] == (parent.pid, start_time_of(parent.pid))
        assert len(found) == 2
        grandchild = stat_of(found[1][0])
        assert grandchild is not None
        assert grandchild.ppid == parent.pid
        parent.communicate(b"\n")
    assert descendants(parent.pid) == ()


@pytest.mark.root
def test_where_a_process_waits(child: "subprocess.Popen[bytes]") -> None:
    where = program_counter_in(child.pid, timeout=5)
    assert where
    assert ".so" in where or "python" in where
    assert program_counter_in(2**22 - 1) is None


@pytest.mark.root
def test_a_process_that_never_waits() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as process:
        assert program_counter_in(process.pid, timeout=0.1) is None
        process.kill()
