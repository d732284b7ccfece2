"""A container of podman, dumped and restored by its name while a client talks to it.

Needs podman, runc and a static busybox (podman, runc, busybox-static); all that podman keeps of it is this test's own.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.collect.namespaces import inside
from workbench.lab.lab import Lab
from workbench.lab.scenario import load
from workbench.operation.container import container_named
from workbench.operation.container_operations import operation_of
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.progress import Outcome, Progress
from workbench.operation.recover import recover
from workbench.operation.request import DumpRequest, Hold, RestoreRequest

pytestmark = [pytest.mark.root, pytest.mark.criu]

DEADLINE_S = 60.0
PORT = 7000
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
"""podman asks for more than a host without CAP_SYS_RESOURCE may give."""


@dataclass
class Web:
    """The container with its client."""

    lab: Lab
    podman: list[str]
    client: socket.socket
    images: Path

    def asks(self, line: bytes) -> bytes:
        self.client.sendall(line)
        answer = b""
        while len(answer) < len(line):
            answer += self.client.recv(4096)
        return answer

    def workbench(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "workbench.main", *words],
            capture_output=True, text=True, timeout=DEADLINE_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def running(self) -> bool:
        """What podman thinks."""
        said = subprocess.run(
            [*self.podman, "inspect", "web", "--format", "{{.State.Running}}"],
            capture_output=True, text=True, timeout=DEADLINE_S, check=True,
        )  # fmt: skip
        return said.stdout.strip() == "true"


def root_file_system(place: Path) -> Path:
    busybox = shutil.which("busybox")
    assert busybox, "there is no busybox: install busybox-static"
    for name in ("bin", "proc", "dev", "sys", "tmp", "etc"):
        (place / name).mkdir(parents=True)
    shutil.copy(busybox, place / "bin" / "busybox")
    for name in ("nc", "cat", "sh"):
        (place / "bin" / name).symlink_to("busybox")
    return place


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    assert shutil.which("podman"), "there is no podman: install it"
    runc = shutil.which("runc", path=f"{os.environ['PATH']}:/usr/sbin")
    assert runc
    with tempfile.TemporaryDirectory(prefix="pod-") as short, Lab(load("established")) as lab:
        podman = ["podman", "--root", str(tmp_path / "storage"), "--runroot", f"{short}/run",
                  "--tmpdir", f"{short}/tmp", "--storage-driver", "vfs", "--runtime", runc,
                  "--cgroup-manager", "cgroupfs", "--events-backend", "file"]  # fmt: skip
        network = ("--network", f"ns:{lab.host.path}")
        echo = ("/bin/nc", "-l", "-l", "-p", str(PORT), "-e", "/bin/cat")
        start = [*podman, "run", "--detach", "--name", "web", *network, *LIMITS,
                 "--rootfs", str(root_file_system(tmp_path / "root")), *echo]  # fmt: skip
        subprocess.run(start, check=True, timeout=DEADLINE_S, stdout=subprocess.DEVNULL)
        try:
            address = (lab.connections[0].local.address, PORT)
            client = inside(lab.host_called("peer").path, lambda: socket.create_connection(address, DEADLINE_S))
            with client:
                yield Web(lab, podman, client, tmp_path / "images")
        finally:
            subprocess.run([*podman, "rm", "--force", "--time", "0", "web"], check=False, timeout=DEADLINE_S)


def test_a_container_is_dumped_and_restored_by_its_name(web: Web) -> None:
    assert web.asks(b"before\n") == b"before\n"
    planned = web.workbench("dump", "--container", "web", "-D", str(web.images), "--plan")
    assert planned.returncode == 0, planned.stdout
    assert "container checkpoint" in planned.stdout
    dumped = web.workbench("dump", "--container", "web", "-D", str(web.images), "--yes", "--format", "json")
    assert json.loads(dumped.stdout)["outcome"] == "succeeded", dumped.stdout
    assert not web.running()
    web.client.sendall(b"meanwhile\n")
    restored = web.workbench("restore", "-D", str(web.images), "--yes", "--format", "json")
    document = json.loads(restored.stdout)
    assert document["outcome"] == "succeeded", restored.stdout
    assert [each["verdict"] for each in document["proof"]] == ["continued"]
    assert web.running()
    assert web.client.recv(100) == b"meanwhile\n"
    assert web.asks(b"after\n") == b"after\n"


@pytest.mark.parametrize("killed", [False, True])
def test_what_comes_to_nothing_leaves_it_running(web: Web, killed: bool) -> None:
    """Turned back at a hold, or its podman killed there."""
    assert web.asks(b"before\n") == b"before\n"
    request = DumpRequest(container_named("web")[1], str(web.images), holds=frozenset({Hold.IMAGES_COMPLETE}))
    operation = operation_of(prepare_dump(request))

    def publish(progress: Progress) -> None:
        if progress.held:
            if killed:
                operation._criu.kill()  # type: ignore[attr-defined]
            else:
                operation.turn_back()

    operation.start(publish)
    outcome = operation.wait(DEADLINE_S).outcome
    assert outcome is (Outcome.FAILED if killed else Outcome.TURNED_BACK)
    assert all(report.sound for report in recover())
    assert web.running()
    assert web.asks(b"after\n") == b"after\n"
    assert "CRIU" not in web.lab.host.inside("nft", "list", "ruleset")
    again = web.workbench("dump", "--container", "web", "-D", f"{web.images}-2", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    back = web.workbench("restore", "-D", f"{web.images}-2", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert web.asks(b"again\n") == b"again\n"


def test_a_restore_whose_podman_is_killed_is_made_good(web: Web) -> None:
    assert web.asks(b"before\n") == b"before\n"
    dumped = web.workbench("dump", "--container", "web", "-D", str(web.images), "--yes")
    assert dumped.returncode == 0, dumped.stdout + dumped.stderr
    operation = operation_of(prepare_restore(RestoreRequest(str(web.images), holds=frozenset({Hold.RESTORED}))))

    def publish(progress: Progress) -> None:
        if progress.held:
            operation._criu.kill()  # type: ignore[attr-defined]

    operation.start(publish)
    assert operation.wait(DEADLINE_S).outcome is Outcome.FAILED
    told = [sentence for report in recover() for sentence in report.sentences]
    if not web.running():
        back = web.workbench("restore", "-D", str(web.images), "--yes")
        assert back.returncode == 0, "\n".join((*told, back.stdout, back.stderr))
    assert web.asks(b"after\n") == b"after\n"
