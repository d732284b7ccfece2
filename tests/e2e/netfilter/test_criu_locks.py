"""Locks that a real CRIU made: recognised, told whom they belong to, lifted and put back under its hands."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from workbench.collect.live import LiveSource
from workbench.criu.find import find_criu
from workbench.evidence import Backend, CriuTool, Gap, LockScope
from workbench.evidence.lock_map import LockUse, map_locks
from workbench.evidence.lock_status import LockStatus
from workbench.operation.unlock import relock, unlock
from workbench.read.criu_images import read_image_directory

pytestmark = [pytest.mark.root, pytest.mark.criu]

SECTIONS = ("locks", "sockets", "sequences", "processes", "images", "unfinished", "network")


@dataclass(frozen=True)
class Trial:
    """A server and a client in a network namespace of their own, over loopback."""

    criu: str
    pid: int
    server: int
    images: Path
    said: IO[str]
    told: IO[str]

    @property
    def netns_path(self) -> str:
        return f"/proc/{self.pid}/ns/net"

    @property
    def netns(self) -> int:
        return Path(self.netns_path).stat().st_ino

    def run(self, *words: str, within: bool = True, descriptors: tuple[int, ...] = ()) -> None:
        entering = ["nsenter", f"--net={self.netns_path}"] if within else []
        command = [*entering, self.criu, *words, "-D", str(self.images), "--tcp-established", "-v4", "-o", "log"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, pass_fds=descriptors)
        assert done.returncode == 0, (self.images / "log").read_text()[-2000:]

    def ask(self, word: str) -> str:
        self.told.write(f"{word}\n")
        self.told.flush()
        return self.said.readline().strip()

    def uses(self) -> tuple[LockUse, ...]:
        source = LiveSource(
            SECTIONS, images=lambda: (read_image_directory(self.images),), unfinished=lambda: ()
        )  # fmt: skip
        try:
            evidence = source.evidence()
        finally:
            source.close()
        assert not isinstance(evidence.locks, Gap)
        return tuple(use for use in map_locks(evidence) if use.lock.netns == self.netns)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    tool = find_criu(trying=True)
    assert isinstance(tool, CriuTool), tool
    command = [sys.executable, "-m", "workbench.criu.trial_connection"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdin
        assert peer.stdout
        server = int(peer.stdout.readline())
        assert server > 1
        held = os.pidfd_open(server)
        yield Trial(tool.path, peer.pid, server, tmp_path, peer.stdout, peer.stdin)
        with contextlib.suppress(ProcessLookupError):  # dumped and killed
            signal.pidfd_send_signal(held, signal.SIGKILL)
        os.close(held)


@pytest.mark.parametrize("method", ["nftables", "iptables"])
def test_a_dump_in_the_same_namespace_locks_connections(trial: Trial, method: str) -> None:
    trial.run("dump", "-t", str(trial.server), "--network-lock", method)
    assert trial.ask("dumped") == "reaped"

    (use,) = trial.uses()
    assert use.status is LockStatus.NEEDED, use
    assert use.lock.scope is LockScope.CONNECTION
    assert use.lock.backend is (Backend.NFTABLES if method == "nftables" else use.lock.backend)
    assert use.lock.directions == {"input", "output"}
    assert use.image is not None
    dumped = [each.connection for each in use.image.sockets if each.connection.peer.port]
    assert list(use.connections) == dumped
    if method == "nftables":
        assert use.image.run_id is not None
        assert use.lock.run_id_prefix == use.image.run_id[:21]

    unlock(use.lock, trial.netns_path)
    assert trial.uses() == ()
    relock(use.lock, trial.netns_path)
    trial.run("restore", "-d")
    assert trial.uses() == ()  # CRIU took our copy of the rules for its own
    assert trial.ask("restored") == "alive"


@pytest.mark.parametrize("method", ["nftables", "iptables"])
def test_a_dump_from_another_namespace_locks_all_of_it(trial: Trial, method: str) -> None:
    external = f"net[{trial.netns}]:net"
    trial.run("dump", "-t", str(trial.server), "--network-lock", method, "--external", external, within=False)
    assert trial.ask("dumped") == "reaped"

    uses = trial.uses()
    assert {use.lock.scope for use in uses} == {LockScope.NAMESPACE}
    assert [use.lock.family for use in uses] == (["inet"] if method == "nftables" else ["ip", "ip6"])
    assert all(use.lock.directions == {"input", "output"} for use in uses)
    assert {use.status for use in uses} == {LockStatus.NEEDED}

    for use in uses:
        unlock(use.lock, trial.netns_path)
    assert trial.uses() == ()
    for use in uses:
        relock(use.lock, trial.netns_path)
    assert [use.lock.directions for use in trial.uses()] == [use.lock.directions for use in uses]

    descriptor = os.open(trial.netns_path, os.O_RDONLY)
    trial.run("restore", "-d", "--inherit-fd", f"fd[{descriptor}]:net", within=False, descriptors=(descriptor,))
    os.close(descriptor)
    assert trial.uses() == ()
    assert trial.ask("restored") == "alive"


def test_a_process_left_stopped_is_stuck(trial: Trial) -> None:
    trial.run("dump", "-t", str(trial.server), "--network-lock", "nftables", "--leave-stopped")
    (use,) = trial.uses()
    assert use.status is LockStatus.STUCK, use
    assert [process.pid for process in use.processes] == [trial.server]
