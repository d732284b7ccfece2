"""Every scenario from beginning to end with a real CRIU: what it promises comes true."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.collect import procfs
from workbench.lab import marker
from workbench.lab.lab import Lab
from workbench.lab.record import record
from workbench.lab.report import document, report_lines
from workbench.lab.run import Hooks, Run, run
from workbench.lab.scenario import load, names
from workbench.operation.progress import Outcome, Verdict
from workbench.operation.request import LockMethod

pytestmark = [pytest.mark.root, pytest.mark.criu]


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals of these runs lie apart."""
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))


def sound(ran: Run) -> None:
    assert ran.amiss == ()
    assert ran.left_behind == ()


@pytest.mark.parametrize("name", [name for name in names() if load(name).operation])
def test_the_promise_of_a_scenario_comes_true(name: str) -> None:
    scenario = load(name)
    ran = run(scenario)
    sound(ran)
    assert ran.dump
    assert ran.restore
    assert len(ran.judged) == sum(client.connections for client in scenario.clients)
    for judged in ran.judged:
        assert judged.bytes_checked >= 2 * scenario.expectation.verified
    compared = sum(proof.bytes_checked for proof in ran.restore.proofs)
    assert compared >= scenario.situation.unread, "what was unread lay in the image and came back"
    assert compared >= scenario.situation.unsent
    assert ran.dump.lock_ms is not None or not ran.dump.plan.connections
    assert ran.dump.dump_stats
    assert ran.restore.restore_stats
    json.dumps(document(ran))
    lines = list(report_lines(ran))
    assert lines[-1] == f"{name}: passed"


def test_the_slow_lock_does_it_as_well() -> None:
    ran = run(load("established"), lock=LockMethod.IPTABLES)
    sound(ran)
    assert ran.dump
    assert "iptables" in " ".join(ran.dump.plan.command)


def test_a_program_that_runs_on_after_its_dump_goes_on() -> None:
    ran = run(load("unread-data"), leave_running=True)
    sound(ran)
    assert ran.restore is None
    assert [judged.verdict for judged in ran.judged] == [Verdict.CONTINUED]


def test_a_restore_that_cannot_succeed_is_reported_with_all_that_is_left() -> None:
    """The images vanish between dump and restore: the connection is lost and its lock stands."""

    def sabotage(lab: Lab) -> None:
        for image in lab.images.glob("pages-*.img"):
            image.unlink()

    ran = run(load("established"), hooks=Hooks(after_dump=sabotage))
    assert not ran.passed
    assert ran.refused or (ran.restore and ran.restore.outcome is Outcome.FAILED)
    assert [judged.verdict for judged in ran.judged] != [Verdict.CONTINUED]
    assert any("lock" in one for one in ran.left_behind)
    assert list(report_lines(ran))[-1] != "established: passed"


def test_a_recording_has_images_logs_and_the_standing_lock(tmp_path: Path) -> None:
    record("established", tmp_path / "established")
    found = {path.name for path in (tmp_path / "established").rglob("*")}
    assert {"inventory.img", "files.img", "pstree.img", "stats-dump", "stats-restore"} <= found
    assert any(name.startswith("tcp-stream-") for name in found)
    assert not any(name.startswith("pages-") for name in found)
    assert "table inet CRIU-" in (tmp_path / "established" / "nft-list-ruleset.txt").read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


RUNNER = """
import sys
from workbench.lab.run import Hooks, run
from workbench.lab.scenario import load

def wait(lab):
    print(lab.id, lab.server_pid, flush=True)
    sys.stdin.read()

run(load("established"), hooks=Hooks(%s=lambda lab, *_: wait(lab)))
"""


@pytest.mark.parametrize("moment", ["after_dump", "at_the_end"])
def test_a_killed_runner_takes_restored_processes_and_locked_connections_along(moment: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER % moment], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lab, server = process.stdout.readline().split()
        held = {pid: os.pidfd_open(pid) for pid in marker.members(lab)}
        process.kill()
    assert (int(server) in held) is (moment == "at_the_end"), "the restored process has the mark, too"
    assert len(held) == (4 if moment == "at_the_end" else 3)
    for pid, descriptor in held.items():
        assert select.select([descriptor], [], [], 10)[0], f"{pid} lives on"
        os.close(descriptor)
    assert list(marker.members(lab)) == []
    assert [line for line in marker.clean() if lab in line]


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_reports_on_stdout(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.main", "lab", "run", "established", "--format", form],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if form == "text":
        assert done.stdout.rstrip().endswith("established: passed")
        return
    answer = json.loads(done.stdout)
    assert answer["result"] == "passed"
    assert answer["expected"] == []
    assert answer["left_behind"] == []
    (proof,) = answer["proof"]
    assert proof["verdict"] == "continued"
    assert proof["bytes_checked"] > 0


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("run", "established", "--keep-running"), signal.SIGINT),
        (("up", "loopback"), signal.SIGINT),
        (("up", "loopback"), signal.SIGTERM),
        (("up", "loopback"), signal.SIGHUP),
    ],
)
def test_what_is_kept_up_ends_tidily_when_interrupted(words: tuple[str, ...], number: int) -> None:
    # a job that a shell script put into the background ignores SIGINT
    ignoring = [] if number == signal.SIGINT else ["env", "--ignore-signal=INT"]
    with subprocess.Popen(
        [*ignoring, sys.executable, "-m", "workbench.main", "lab", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = list(iter(process.stdout.readline, "Ctrl-C ends it.\n"))
        server = next(int(line.split()[-1]) for line in said if line.startswith("  server "))
        lab = marker.lab_of(server)
        assert lab is not None
        process.send_signal(number)
        assert process.wait(20) == 0
    assert list(marker.members(lab)) == []
    assert not [line for line in marker.clean() if lab in line]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_turns_back_and_leaves_nothing(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "workbench.main", "lab", "run", "established"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "plan" in process.stderr.readline(), "the dump has begun"
        labs = {lab for pid in procfs.pids() if (lab := marker.lab_of(pid)) and lab.startswith(f"{process.pid}-")}
        process.send_signal(number)
        assert process.wait(30) == 130
    assert len(labs) == 1
    for lab in labs:
        assert list(marker.members(lab)) == []
        assert not [line for line in marker.clean() if lab in line]
