"""CRIU on this kernel, by trial and by RPC."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.criu.find import find_criu
from workbench.criu.rpc import CriuGone, Notification, Swrk
from workbench.criu.trial import try_criu
from workbench.evidence import CriuTool

pytestmark = [pytest.mark.root, pytest.mark.criu]


@pytest.fixture(scope="module")
def criu() -> str:
    tool = find_criu(trying=True)
    assert isinstance(tool, CriuTool), tool
    assert tool.works, tool
    return tool.path


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process without connections, child of this one."""
    code = "import signal; print(1, flush=True); signal.pause()"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("lock", ["nftables", "iptables"])
def test_a_connected_process_survives(criu: str, lock: str) -> None:
    assert try_criu(criu, lock).works


def test_something_that_is_no_criu_fails_its_trial() -> None:
    assert not try_criu("/bin/false").works
    assert not try_criu("/nonexistent/criu").works


def _dump(swrk: Swrk, pid: int, images: Path, seen: list[str], refuse: str = "") -> bool:
    def answer(notification: Notification) -> bool:
        seen.append(notification.name)
        return notification.name != refuse

    directory = os.open(images, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # the pipe of the fixture leads out of the tree, so a dump of it fails late: after the freeze
        options = {
            "images_dir_fd": directory,
            "pid": pid,
            "log_file": "dump.log",
            "log_level": 4,
            "leave_running": True,
        }
        return swrk.request("dump", options, answer).success
    finally:
        os.close(directory)


def test_a_refused_notification_fails_the_dump_and_the_process_runs_on(criu: str, sleeper: int, tmp_path: Path) -> None:
    seen: list[str] = []
    with Swrk(criu) as swrk:
        assert not _dump(swrk, sleeper, tmp_path, seen, refuse="pre-dump")
    assert seen == ["pre-dump"]
    assert Path(f"/proc/{sleeper}/stat").read_text().split()[2] == "S"


def test_a_missing_process_is_an_answer_not_an_exception(criu: str, tmp_path: Path) -> None:
    with Swrk(criu) as swrk:
        assert not _dump(swrk, 2**22 - 1, tmp_path, [])


def test_a_killed_criu_is_told_apart_from_a_failure(criu: str, sleeper: int, tmp_path: Path) -> None:
    def die(_notification: Notification) -> bool:
        swrk.kill()
        return True

    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    with Swrk(criu) as swrk, pytest.raises(CriuGone) as gone:
        swrk.request("dump", {"images_dir_fd": directory, "pid": sleeper}, die)
    os.close(directory)
    assert gone.value.status == -9
