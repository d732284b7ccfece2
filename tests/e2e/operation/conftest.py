"""A lab connection and a journal of the test's own."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.collect.netfilter import collect_rules
from workbench.evidence import Gap, Lock
from workbench.lab.lab import Lab
from workbench.lab.scenario import load
from workbench.operation.dump import DumpOperation
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.progress import Outcome, Progress
from workbench.operation.request import DumpRequest, LockMethod, RestoreRequest
from workbench.operation.restore import RestoreOperation

OPERATION_S = 60.0
VERIFIED = 4_000
"""Bytes that both ends must verify in each direction for a connection to count as alive."""


@dataclass
class Bench:
    """The lab connection ``established``, and operations on it."""

    lab: Lab

    def dump(self, lock: str = "nftables", **more: object) -> Progress:
        request = DumpRequest(self.lab.server_pid, str(self.lab.images), lock=LockMethod(lock), **more)  # type: ignore[arg-type]
        operation = DumpOperation(prepare_dump(request))
        operation.start(lambda progress: None)
        return operation.wait(OPERATION_S)

    def restore(self) -> Progress:
        operation = RestoreOperation(prepare_restore(RestoreRequest(str(self.lab.images))))
        operation.start(lambda progress: None)
        return operation.wait(OPERATION_S)

    def locks(self) -> tuple[Lock, ...]:
        _, locks, gaps = collect_rules(self.lab.namespaces)
        assert not isinstance(locks, Gap)
        assert not gaps
        return locks

    def assert_alive(self) -> None:
        """Both ends verify more bytes, and nothing holds them back."""
        before = self.lab.talked()
        after = self.lab.await_verified(VERIFIED, timeout=15)
        for was, now in zip(before, after, strict=True):
            assert not now.problem
            assert not now.ended
            assert now.to_server >= was.to_server + VERIFIED
            assert now.to_client >= was.to_client + VERIFIED
        assert self.locks() == ()

    def doom(self, kind: str, lock: str, point: str, victim: str) -> str:
        """Run an operation in a process of its own that is struck at ``point``; what it could still say."""
        words = [kind, str(self.lab.server_pid), str(self.lab.images), lock, point, victim]
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("doomed.py")), *words],
            capture_output=True, text=True, timeout=OPERATION_S, check=False,
        )  # fmt: skip
        assert done.returncode == (0 if victim == "criu" else -9), done.stderr
        return done.stdout


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The connection ``established``; nothing of it is left."""
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    lab = Lab(load("established"))
    with lab:
        yield Bench(lab)
    assert lab.close() == ()


@pytest.fixture
def dumped(bench: Bench) -> Bench:
    """Dumped and gone, its images complete."""
    progress = bench.dump()
    assert progress.outcome is Outcome.SUCCEEDED, progress.error
    return bench
