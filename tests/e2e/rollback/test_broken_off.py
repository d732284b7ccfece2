"""A roll-back whose workbench is killed: nothing was done yet, or ``recover`` brings the past back."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.lab import marker
from workbench.lab.lab import Lab
from workbench.lab.rolling_back import environment, forget, save_generation
from workbench.lab.scenario import load

pytestmark = [pytest.mark.root, pytest.mark.criu]

DEADLINE_S = 60.0


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(load("rollback")) as made:
        save_generation(made)
        try:
            yield made
        finally:
            forget(made)


def workbench(lab: Lab, *words: str) -> str:
    command = [sys.executable, "-m", "workbench.main", *words]
    done = subprocess.run(
        command, env=environment(lab), capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return done.stdout + done.stderr


def kill_at(lab: Lab, stage: str) -> None:
    """Begin a roll-back, and kill its workbench once the stage stands in the journal."""
    known = set(lab.state.glob("restore-*.jsonl"))
    command = [sys.executable, "-m", "workbench.main", "rollback", "to", str(lab.server_pid), "1", "--yes"]
    with subprocess.Popen(
        command, env=environment(lab), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            fresh = set(lab.state.glob("restore-*.jsonl")) - known
            if any(f'"at": "{stage}"' in path.read_text() for path in fresh):
                break
            time.sleep(0.001)  # a journal tells nobody that it grew
        running.kill()  # a child of ours that is not waited for yet: the pid is its own


def start_time(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_the_past_is_brought_back(lab: Lab) -> None:
    present = start_time(lab.server_pid)
    kill_at(lab, "ending the present")
    told = workbench(lab, "recover", "--yes", "--format", "json")
    (operation,) = json.loads(told)["operations"]
    assert operation["sound"], told
    assert start_time(lab.server_pid) != present, told
    assert "CRIU" not in lab.host.inside("nft", "list", "ruleset"), told
    connections = lab.host.inside("ss", "-Htn", "state", "established")
    assert connections.count("127.0.0.1:") == 4, f"both ends of its own connection: {connections}\n{told}"
    assert [one.ended for one in lab.await_verified(1, DEADLINE_S)] == ["ECONNRESET"]
    assert "nothing to put right" in workbench(lab, "recover", "--yes")


def test_a_process_that_crashed_is_brought_back_at_once(lab: Lab) -> None:
    """What the kernel has left of its connections is in the way of nobody."""
    marker.end(lab.server_pid, lambda pid: marker.lab_of(pid) == lab.id)
    assert "10.77.0.2:7022" in lab.host.inside("ss", "-Htn", "state", "connected"), "FIN_WAIT2, or TIME_WAIT"
    told = workbench(lab, "rollback", "to", str(lab.server_pid), "1", "--yes", "--format", "json")
    assert json.loads(told.partition("\n}\n")[0] + "}")["outcome"] == "succeeded", told
    assert lab.host.inside("ss", "-Htn", "state", "established").count("127.0.0.1:") == 4
