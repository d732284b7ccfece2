"""A container of runc: told apart, turned back at a hold, and put right after a kill at the worst moments."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.cli.main import run as workbench
from workbench.collect.processes import ProcessReader
from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.lab.container import container_id
from workbench.lab.lab import Lab
from workbench.lab.scenario import load
from workbench.operation.container import container_at, container_named
from workbench.operation.container_operations import operation_of
from workbench.operation.engine_conversation import PREFIX
from workbench.operation.planning import prepare_dump
from workbench.operation.progress import Outcome
from workbench.operation.recover import recover
from workbench.operation.request import DumpRequest, Hold, LockMethod

pytestmark = [pytest.mark.root, pytest.mark.criu]

VERIFIED = 4096
PATIENCE_S = 20.0
DOOMED = """
import os, signal, sys
from workbench.operation.container_operations import operation_of
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.request import DumpRequest, Hold, RestoreRequest

kind, pid, images, victim = sys.argv[1:]
hold = Hold.IMAGES_COMPLETE if kind == "dump" else Hold.RESTORED
if kind == "dump":
    operation = operation_of(prepare_dump(DumpRequest(int(pid), images, holds=frozenset({hold}))))
else:
    operation = operation_of(prepare_restore(RestoreRequest(images, holds=frozenset({hold}))))

def at_hold(progress):
    if progress.held is hold:
        if victim in {"engine", "both"}:
            operation._criu.kill()
        if victim in {"workbench", "both"}:
            os.kill(os.getpid(), signal.SIGKILL)

operation.start(at_hold)
print(operation.wait().outcome)
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(load("container")) as started:
        yield started
    assert started.close() == ()
    assert not Path("/run/runc", container_id(started.id)).exists()


def goes_on(lab: Lab) -> None:
    """Every connection carries bytes both ways, every one of them right."""
    before = lab.talked()
    for was, now in zip(before, lab.await_verified(VERIFIED, PATIENCE_S), strict=True):
        assert not now.problem
        assert not now.ended
        assert now.verified >= was.verified + 2 * VERIFIED


def test_it_is_told_by_its_control_group_and_found_by_its_name(lab: Lab) -> None:
    found = ProcessReader().read()
    assert not isinstance(found, Gap)
    container = found[lab.server_pid].container
    assert container is not None
    assert (container.engine, container.id) == ("runc", container_id(lab.id))
    assert container_named(container.id[:-1])[1] == lab.server_pid
    assert container_at(lab.server_pid) is not None
    with pytest.raises(WorkbenchError, match=f"no running container no-such.*{container.id}|no running container"):
        container_named("no-such")


def test_the_plan_is_the_engines_and_bad_bundles_are_told(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    images = str(lab.images)
    assert workbench(["dump", "--container", container_id(lab.id), "-D", images, "--plan", "--format", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["command"][:4] == ["runc", "--root", "/run/runc", "checkpoint"]
    assert not plan["obstacles"]
    config = Path(lab.scratch, "bundle", "config.json")
    read = json.loads(config.read_text())
    read["process"]["terminal"] = True
    read["linux"]["namespaces"][-1] = {"type": "network"}
    config.write_text(json.dumps(read))
    assert workbench(["dump", "--container", container_id(lab.id), "-D", images, "--plan", "--format", "json"]) == 2
    told = json.loads(capsys.readouterr().out)["obstacles"]
    assert len([each for each in told if "config.json" in each]) == 2


@pytest.mark.parametrize("lock", [LockMethod.NFTABLES, LockMethod.IPTABLES])
def test_turned_back_at_a_hold_it_runs_on(lab: Lab, lock: LockMethod) -> None:
    request = DumpRequest(lab.server_pid, str(lab.images), lock=lock, holds=frozenset(Hold))
    operation = operation_of(prepare_dump(request))
    holds: list[Hold] = []

    def at_hold(progress: object) -> None:
        held = getattr(progress, "held", None)
        if held is not None and held not in holds:
            holds.append(held)
            operation.turn_back() if held is Hold.IMAGES_COMPLETE else operation.proceed()

    operation.start(at_hold)
    done = operation.wait(60)
    assert holds == [Hold.FROZEN, Hold.IMAGES_COMPLETE]
    assert done.outcome is Outcome.TURNED_BACK, done.error
    assert done.locks == ()
    goes_on(lab)


@pytest.mark.parametrize("victim", ["workbench", "engine", "both"])
@pytest.mark.parametrize("kind", ["dump", "restore"])
def test_killed_at_a_hold_it_is_put_right(lab: Lab, kind: str, victim: str) -> None:
    if kind == "restore":
        done = operation_of(prepare_dump(DumpRequest(lab.server_pid, str(lab.images))))
        done.start(lambda progress: None)
        assert done.wait(60).outcome is Outcome.SUCCEEDED
    doomed = [sys.executable, "-c", DOOMED, kind, str(lab.server_pid), str(lab.images), victim]
    ended = subprocess.run(doomed, capture_output=True, text=True, check=False, timeout=60)
    if victim == "engine":
        assert ended.returncode == 0, ended.stderr
    for report in recover():
        assert report.sound, report.sentences
        assert not report.lost, report.sentences
    assert not list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    goes_on(lab)


def test_a_failure_of_the_engine_is_told_in_its_words(lab: Lab) -> None:
    plan = prepare_dump(DumpRequest(lab.server_pid, str(lab.images)))
    assert plan.container is not None
    gone = replace(plan, container=replace(plan.container, id="no-such-container"))
    operation = operation_of(gone)
    operation.start(lambda progress: None)
    done = operation.wait(60)
    assert done.outcome is Outcome.FAILED
    assert "runc failed: container does not exist" in done.error
    goes_on(lab)
