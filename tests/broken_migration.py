"""A migration of which one half is killed, put right on both hosts; for tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.lab.lab import Lab
from workbench.lab.migrating import Halves, environment, halves
from workbench.lab.namespaces import Host

DEADLINE_S = 60.0


def other(lab: Lab) -> str:
    """The host that it does not live on."""
    return "second" if lab.server_host == "first" else "first"


def break_off(lab: Lab, side: str, stage: str) -> None:
    """Kill the half of one side at a stage, recover on both; the process must live once, and its client go on."""
    source, destination = lab.host, lab.host_called(other(lab))
    watched = source if side == "source" else destination
    known = _journal(lab, watched)
    with halves(lab, source, destination) as both:
        half = both.sending if side == "source" else both.receiving
        _await_stage(lab, watched, stage, known, half)
        _kill(half)
        _end(both)
        at_source = _workbench(lab, source, "recover", "--yes")
        at_destination = _workbench(lab, destination, "recover", "--yes")
        if "migrate take" in at_destination:
            identity = at_destination.partition("migrate take ")[2].split("`")[0].strip()
            word = "take" if "was handed over" in at_source else "drop"
            at_destination += _workbench(lab, destination, "migrate", word, identity)
    told = f"{at_source}\n---\n{at_destination}"
    living = [host for host in (source, destination) if _lives_on(host, lab.server_pid)]
    assert len(living) == 1, told
    lab.server_host = living[0].name
    for host in (source, destination):
        assert "CRIU" not in host.inside("nft", "list", "ruleset"), told
        assert ("fd77::2/" in host.inside("ip", "-6", "addr")) is (host is living[0]), told
    for talked in lab.await_verified(200_000, DEADLINE_S):
        assert not talked.problem, told
        assert not talked.ended, told
        assert min(talked.to_server, talked.to_client) > 0, told


def unfinished(lab: Lab) -> str:
    """What ``recover`` still finds on the two hosts."""
    hosts = (lab.host, lab.host_called(other(lab)))
    found = (_workbench(lab, host, "recover", "--yes") for host in hosts)
    return "".join(text for text in found if "nothing to put right" not in text)


def _journal(lab: Lab, host: Host) -> str:
    """The newest one of a host."""
    state = Path(environment(lab, host)["WORKBENCH_STATE"])
    journals = sorted(state.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return journals[-1].read_text() if journals else ""


def _await_stage(lab: Lab, host: Host, stage: str, known: str, half: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and half.poll() is None:
        text = _journal(lab, host)
        if text != known and f'"at": "{stage}"' in text:
            return
        time.sleep(0.001)  # a journal tells nobody that it grew
    pytest.fail(f"{stage} was never journaled on {host.name}: {_journal(lab, host)}")


def _kill(half: subprocess.Popen[bytes]) -> None:
    """The workbench itself, which is a child of the nsenter that was started."""
    for child in Path(f"/proc/{half.pid}/task/{half.pid}/children").read_text().split():
        pidfd = os.pidfd_open(int(child))
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)


def _end(both: Halves) -> None:
    both.sending.communicate(timeout=DEADLINE_S)
    both.receiving.wait(DEADLINE_S)


def _workbench(lab: Lab, host: Host, *words: str) -> str:
    command = host.entering(sys.executable, "-m", "workbench.main", *words)
    done = subprocess.run(
        command, env=environment(lab, host), capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return done.stdout + done.stderr


def _lives_on(host: Host, pid: int) -> bool:
    return Path(f"/proc/{host.pid}/root/proc/{pid}/stat").exists()
