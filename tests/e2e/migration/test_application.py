"""The lab's program moved by what the application does with the keys M and Enter."""

from pathlib import Path

import pytest

from workbench.lab.application import LabHandle
from workbench.operation.progress import Outcome, Progress
from workbench.tui.wiring import LiveHost

pytestmark = [pytest.mark.root, pytest.mark.criu]

ENOUGH = 100_000


def test_the_command_that_is_offered_leads_to_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path))
    host = LiveHost()
    host.open_source().close()
    handle = host.start_lab("migrate-v6")
    assert isinstance(handle, LabHandle)
    try:
        pid = handle.server_pid
        assert pid is not None
        prepared = host.prepare_migration(pid, host.destination(pid), True)
        assert prepared.plan.obstacles == ()
        assert prepared.plan.command[:5] == ("workbench", "migrate", "send", str(pid), "--")
        shown: list[Progress] = []
        operation = prepared.begin()
        operation.start(shown.append)
        done = operation.wait(60)
        assert done.outcome is Outcome.SUCCEEDED, done.error
        assert done.locks == ()
        meanwhile = [each for each in shown if each.unwatched]
        assert meanwhile
        assert all(watched.before.socket is not None for each in meanwhile for watched in each.watched)
        (talked,) = handle.lab.await_verified(ENOUGH, 20)
        assert (talked.problem, talked.ended) == ("", "")
        assert host.destination(pid + 1)[0] == "ssh", "of another process nothing is known"
    finally:
        assert handle.close() == ()
