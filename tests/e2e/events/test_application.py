"""The application's Timeline with real events."""

from collections.abc import Callable

import pytest

from tests.e2e.events.conftest import Scene
from tests.e2e.events.test_command import instances, reset_a_connection
from tests.sample import FixedSource, evidence, judgement
from tests.tui.screens import press, says, until
from workbench.collect.events.beside import Recorder
from workbench.evidence.stretch import Stretch
from workbench.tui.app import WorkbenchApp
from workbench.tui.operations import Operations

pytestmark = pytest.mark.root


async def test_a_reset_is_told_with_who_did_it_and_nothing_stays(scene: Scene) -> None:
    started: list[Recorder] = []

    def record(deliver: Callable[[Stretch], object]) -> Recorder:
        recorder = Recorder(deliver)
        recorder.start()
        started.append(recorder)
        return recorder

    operations = Operations(record=record)
    app = WorkbenchApp(lambda: FixedSource(evidence), operations, judge=lambda: lambda _: judgement())
    async with app.run_test(size=(160, 40)) as pilot:
        await press(pilot, ("@56692", "5", "@since "))
        await until(pilot, lambda: scene.server.inode in app.timeline.latest.names)
        reset_a_connection(scene)
        await press(pilot, ("slash", *"unread-data", "enter", "@= reset (unread-data)"))
        await says(pilot, scene.server.name[-4:])
    (recorder,) = started
    recorder.wait()
    assert not instances(recorder.pid)
