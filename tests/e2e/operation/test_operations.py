"""Dump and restore of a live connection with real CRIU: held, turned back, left running, refused."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.operation.conftest import OPERATION_S, Bench
from workbench.evidence import Backend
from workbench.operation.dump import DumpOperation
from workbench.operation.journal import entries
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.progress import Outcome, Progress, StepState, Verdict
from workbench.operation.recover import recover
from workbench.operation.request import DumpRequest, Hold, LockMethod, Policy, RestoreRequest
from workbench.operation.restore import RestoreOperation
from workbench.operation.runner import Operation
from workbench.operation.task import Task
from workbench.repair.borrow import borrow
from workbench.repair.constants import TCP_REPAIR

pytestmark = [pytest.mark.root, pytest.mark.criu]


class Held:
    """Answers at holds: looks around first, then goes on or turns back."""

    def __init__(self, operation: Operation, turn_back_at: Hold | None = None) -> None:
        self.operation = operation
        self.seen: dict[Hold, Progress] = {}
        self._turn_back_at = turn_back_at

    def __call__(self, progress: Progress) -> None:
        hold = progress.held
        if hold is None or hold in self.seen:
            return
        self.seen[hold] = progress
        if hold is self._turn_back_at:
            self.operation.turn_back()
        else:
            self.operation.proceed()

    def run(self) -> Progress:
        self.operation.start(self)
        return self.operation.wait(OPERATION_S)


def _dump(bench: Bench, **more: object) -> DumpOperation:
    return DumpOperation(prepare_dump(DumpRequest(bench.lab.server_pid, str(bench.lab.images), **more)))  # type: ignore[arg-type]


def _restore(bench: Bench, **more: object) -> RestoreOperation:
    return RestoreOperation(prepare_restore(RestoreRequest(str(bench.lab.images), **more)))  # type: ignore[arg-type]


@pytest.mark.parametrize("lock", list(LockMethod)[:2])
def test_held_everywhere_and_proved(bench: Bench, lock: LockMethod) -> None:
    holds = frozenset(Hold)
    dumping = Held(_dump(bench, lock=lock, holds=holds))
    dumped = dumping.run()
    assert dumped.outcome is Outcome.SUCCEEDED, dumped.error
    assert set(dumping.seen) == {Hold.FROZEN, Hold.IMAGES_COMPLETE}
    assert not any(each.connections for each in dumping.seen[Hold.FROZEN].locks)
    complete = dumping.seen[Hold.IMAGES_COMPLETE]
    assert [each.connections for each in complete.locks] == [dumped.plan.connections]
    assert complete.locks[0].packets is not None  # counted, also where the rules have no counter
    (watched,) = complete.watched
    assert watched.now.sequences is not None
    assert watched.now.sequences.repair
    assert watched.peer is not None
    assert dumped.dump_stats is not None
    assert dumped.lock_ms is not None
    assert {step.state for step in dumped.steps} == {StepState.DONE}
    assert not Path(f"/proc/{bench.lab.server_pid}").exists()
    assert len(bench.locks()) == 1

    restoring = Held(_restore(bench, holds=holds))
    restored = restoring.run()
    assert set(restoring.seen) == {Hold.RESTORED}
    assert restoring.seen[Hold.RESTORED].locks
    assert restored.outcome is Outcome.SUCCEEDED, restored.error
    assert [proof.verdict for proof in restored.proofs] == [Verdict.CONTINUED]
    assert restored.restored_pid == bench.lab.server_pid
    assert restored.restore_stats is not None
    assert {step.state for step in restored.steps} == {StepState.DONE}
    bench.assert_alive()
    assert recover() == ()


@pytest.mark.parametrize("lock", list(LockMethod)[:2])
@pytest.mark.parametrize("hold", [Hold.FROZEN, Hold.IMAGES_COMPLETE])
def test_a_dump_turned_back_leaves_everything_as_it_was(bench: Bench, hold: Hold, lock: LockMethod) -> None:
    holding = Held(_dump(bench, lock=lock, holds=frozenset({hold})), turn_back_at=hold)
    progress = holding.run()
    assert progress.outcome is Outcome.TURNED_BACK, progress.error
    assert progress.error == ""
    assert hold in holding.seen
    bench.assert_alive()
    assert Path(f"/proc/{bench.lab.server_pid}/stat").read_text().split()[2] in "SR"
    assert not _in_repair(bench)
    assert recover() == ()


def test_a_dump_turned_back_before_it_froze_anything(bench: Bench) -> None:
    operation = _dump(bench)
    operation.start(lambda progress: None)
    operation.turn_back()
    assert operation.wait(OPERATION_S).outcome is Outcome.TURNED_BACK
    bench.assert_alive()


def test_a_restore_turned_back_can_be_repeated(dumped: Bench) -> None:
    holding = Held(_restore(dumped, holds=frozenset(Hold)), turn_back_at=Hold.RESTORED)
    progress = holding.run()
    assert progress.outcome is Outcome.TURNED_BACK, progress.error
    assert len(dumped.locks()) == 1
    again = dumped.restore()
    assert again.outcome is Outcome.SUCCEEDED, again.error
    dumped.assert_alive()


@pytest.mark.parametrize("lock", list(LockMethod)[:2])
def test_left_running_and_proved(bench: Bench, lock: LockMethod) -> None:
    progress = bench.dump(lock, leave_running=True)
    assert progress.outcome is Outcome.SUCCEEDED, progress.error
    (proof,) = progress.proofs
    assert proof.verdict is Verdict.CONTINUED
    assert "not compared" not in proof.sentence
    assert [step.name for step in progress.steps][-2:] == ["resumed", "proved"]
    bench.assert_alive()
    assert not _in_repair(bench)


def test_restored_twice_in_a_row(dumped: Bench) -> None:
    """A restored process lives in a time namespace of its own: its next restore sets namespaces up."""
    assert dumped.restore().outcome is Outcome.SUCCEEDED
    dumped.assert_alive()
    shutil.rmtree(dumped.lab.images)
    assert dumped.dump().outcome is Outcome.SUCCEEDED
    assert dumped.restore().outcome is Outcome.SUCCEEDED
    dumped.assert_alive()


def test_closed_connections(bench: Bench) -> None:
    progress = bench.dump(policy=Policy.CLOSE)
    assert progress.outcome is Outcome.SUCCEEDED, progress.error
    assert bench.locks() == ()
    restored = bench.restore()
    assert restored.outcome is Outcome.SUCCEEDED, restored.error
    assert restored.proofs == ()


@pytest.mark.parametrize("hold", [Hold.FROZEN, Hold.IMAGES_COMPLETE])
def test_criu_killed_while_somebody_looks_around(bench: Bench, hold: Hold) -> None:
    operation = _dump(bench, holds=frozenset({hold}))

    def kill(progress: Progress) -> None:
        if progress.held is hold:
            pid, _ = entries()[-1].criu or (0, 0)
            assert pid > 1
            os.kill(pid, signal.SIGKILL)

    operation.start(kill)
    progress = operation.wait(OPERATION_S)
    assert progress.outcome is Outcome.FAILED
    assert "signal 9" in progress.error
    bench.assert_alive()
    assert recover() == ()


def test_criu_killed_in_a_restore_is_recovered_by_the_same_workbench(dumped: Bench) -> None:
    operation = _restore(dumped, holds=frozenset(Hold))

    def kill(progress: Progress) -> None:
        if progress.held:
            pid, _ = entries()[-1].criu or (0, 0)
            assert pid > 1
            os.kill(pid, signal.SIGKILL)

    operation.start(kill)
    progress = operation.wait(OPERATION_S)
    assert progress.outcome is Outcome.FAILED
    assert "workbench restore" in progress.error
    (report,) = recover()
    assert report.restored is not None
    assert report.restored.outcome is Outcome.SUCCEEDED
    dumped.assert_alive()
    assert recover() == ()


def test_a_restore_that_fails_says_why_and_can_be_repeated(dumped: Bench) -> None:
    """An image that is cut short between the plan and the restore."""
    operation = _restore(dumped)
    image = next(dumped.lab.images.glob("tcp-stream-*.img"))
    whole = image.read_bytes()
    image.write_bytes(whole[:20])
    operation.start(lambda progress: None)
    progress = operation.wait(OPERATION_S)
    assert progress.outcome is Outcome.FAILED
    assert "workbench restore" in progress.error
    assert len(dumped.locks()) == 1
    image.write_bytes(whole)
    assert dumped.restore().outcome is Outcome.SUCCEEDED
    dumped.assert_alive()


def test_a_full_journal_stops_it_before_anything_is_touched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", "/dev/full/state")
    progress = bench.dump()
    assert progress.outcome is Outcome.FAILED
    assert progress.error.startswith("Nothing was done")
    bench.assert_alive()


@pytest.mark.parametrize("hold", [Hold.FROZEN, Hold.IMAGES_COMPLETE])
def test_a_fault_of_the_workbench_itself_leaves_nobody_frozen(bench: Bench, hold: Hold) -> None:
    operation = _dump(bench, holds=frozenset({hold}))

    def stumble(progress: Progress) -> None:
        if progress.held:
            raise RuntimeError("a bug")

    operation.start(stumble)
    progress = operation.wait(OPERATION_S)
    assert progress.outcome is Outcome.FAILED
    assert "RuntimeError: a bug" in progress.error
    bench.assert_alive()
    assert recover() == ()


def test_a_full_disk_undoes_the_dump(bench: Bench) -> None:
    disk = bench.lab.scratch / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=True)
    try:
        plan = prepare_dump(DumpRequest(bench.lab.server_pid, str(disk)))
        assert "are free" in plan.obstacles[0]
        operation = DumpOperation(replace(plan, obstacles=()))
        operation.start(lambda progress: None)
        progress = operation.wait(OPERATION_S)
        assert progress.outcome is Outcome.FAILED
        assert f"No space is left at {disk}" in progress.error
        bench.assert_alive()
        assert recover() == ()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_target_that_dies_meanwhile(bench: Bench) -> None:
    operation = _dump(bench, holds=frozenset({Hold.FROZEN}))

    def kill(progress: Progress) -> None:
        if progress.held:
            task = Task.hold(bench.lab.server_pid)
            assert task is not None
            task.signal(signal.SIGKILL)
            task.gone(10)
            task.close()
            operation.proceed()

    operation.start(kill)
    progress = operation.wait(OPERATION_S)
    assert progress.outcome is Outcome.FAILED
    assert "Lost: " in progress.error
    assert bench.locks() == ()
    assert recover() == ()


def test_a_plan_that_is_out_of_date_is_refused(bench: Bench) -> None:
    plan = prepare_dump(DumpRequest(bench.lab.server_pid, str(bench.lab.images)))
    bench.lab.images.mkdir()
    (bench.lab.images / "something").write_text("x")
    operation = DumpOperation(plan)
    operation.start(lambda progress: None)
    progress = operation.wait(OPERATION_S)
    assert progress.outcome is Outcome.FAILED
    assert "not empty" in progress.error


@pytest.mark.parametrize("kind", ["nftables", "iptables"])
def test_recover_rehearses_without_touching_anything(bench: Bench, kind: str) -> None:
    bench.doom("dump", kind, "post-dump:answering", "both")
    locks = bench.locks()
    (report,) = recover(dry_run=True)
    assert any("lifted" in sentence for sentence in report.sentences)
    assert [lock.name for lock in bench.locks()] == [lock.name for lock in locks]
    assert _in_repair(bench)
    (report,) = recover()
    bench.assert_alive()


def test_an_operation_under_way_is_left_alone(bench: Bench) -> None:
    operation = _dump(bench, holds=frozenset({Hold.IMAGES_COMPLETE}))

    def look(progress: Progress) -> None:
        if progress.held and progress.locks:
            (report,) = recover()
            assert report.sentences == ["It is still under way: left alone."]
            operation.proceed()

    operation.start(look)
    assert operation.wait(OPERATION_S).outcome is Outcome.SUCCEEDED
    assert bench.restore().outcome is Outcome.SUCCEEDED


def test_the_backend_of_an_iptables_lock_is_lifted_exactly(bench: Bench) -> None:
    """Somebody else's rule beside the lock stays."""
    enter = ["nsenter", f"--net={bench.lab.host.path}"]
    rule = ["INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP"]
    subprocess.run([*enter, "iptables", "-A", *rule], check=True)
    bench.doom("dump", "iptables", "post-dump:arrived", "both")
    recover()
    bench.assert_alive()
    subprocess.run([*enter, "iptables", "-C", *rule], check=True)
    assert all(lock.backend is not Backend.IPTABLES_NFT for lock in bench.locks())


def _in_repair(bench: Bench) -> bool:
    pid = bench.lab.server_pid
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            with borrow(pid, int(entry.name), int(target[8:-1])) as sock:
                if sock.getsockopt(6, TCP_REPAIR):
                    return True
    return False


@pytest.fixture
def workbench() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "workbench.main", *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=OPERATION_S, check=False,
        )  # fmt: skip

    return run


def test_the_command_line(bench: Bench, workbench: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    pid, images = str(bench.lab.server_pid), str(bench.lab.images)
    planned = workbench("dump", pid, "-D", images, "--plan")
    assert planned.returncode == 0, planned.stderr
    assert "criu dump -t" in planned.stdout
    asked = workbench("dump", pid, "-D", images)
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert "criu dump -t" in asked.stdout
    assert not bench.lab.images.exists()
    done = workbench("dump", pid, "-D", images, "--yes")
    assert done.returncode == 0, done.stderr
    restored = workbench("restore", "-D", images, "--yes", "--format", "json")
    assert restored.returncode == 0, restored.stderr
    assert '"verdict": "continued"' in restored.stdout
    assert workbench("recover").stdout == "No operation was interrupted: nothing to put right.\n"
    bench.assert_alive()
    refused = workbench("restore", "-D", images, "--yes")
    assert refused.returncode == 2
    assert "is taken by" in refused.stderr
    bench.assert_alive()
