"""A process is moved, kept and rolled back from its row: asked, planned, confirmed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.sample_operation import ScriptedOperation, dump_plan, finished, held
from tests.tui.screens import application, press, says
from workbench.operation.request import Policy, RollbackRequest
from workbench.operation.rollback.generation import Generation
from workbench.tui.operations import NO_OPERATIONS, Operations, Prepared
from workbench.tui.screens.operation import OperationScreen


class Asked:
    """What the application had prepared, as a host would."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.left = 0

    def operations(self) -> Operations:
        return replace(
            NO_OPERATIONS,
            prepare_migration=self.prepare("migration"),
            prepare_save=self.prepare("save"),
            prepare_rollback=self.prepare("rollback"),
            generations=self.generations,
            generations_beside=lambda path: self.generations(4645),
        )

    def prepare(self, kind: str):  # type: ignore[no-untyped-def] # three signatures
        def prepared(*arguments: object) -> Prepared:
            self.calls.append((kind, *arguments))
            return Prepared(dump_plan(), lambda: ScriptedOperation(held(), finished()), self.leave)

        return prepared

    def leave(self) -> None:
        self.left += 1

    def generations(self, _: int) -> Sequence[Generation]:
        first = Generation(1, 4645, "server", 0.0, "boot", 1 << 20, 1, "/dev/shm/1", "", {}, stopped_ms=12.0)
        return (first, replace(first, number=2))


JOURNEYS = (
    (("M", "@without a shell", "enter"), ("migration", 4645, ["ssh", "HOST", "workbench", "migrate", "receive"], True)),
    (("K",), ("save", 4645)),
    (("Z", "@(*) 2", "enter"), ("rollback", RollbackRequest(4645, 2))),
    (("Z", "@(*) 2", "left", "@12 ms", "down", "right", "enter"), ("rollback", RollbackRequest(4645, 1, Policy.CLOSE))),
)


async def test_images_of_a_generation_are_gone_back_to() -> None:
    asked = Asked()
    app = application()
    app.operations = asked.operations()
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("4", "@images/server", "r", "@(*) 2", "enter", "@Nothing has been done"))
    assert asked.calls == [("rollback", RollbackRequest(4645, 2))]


@pytest.mark.parametrize(("keys", "call"), JOURNEYS)
async def test_it_is_planned_and_carried_out(keys: tuple[str, ...], call: tuple[object, ...]) -> None:
    asked = Asked()
    app = application()
    app.operations = asked.operations()
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("2", "@server", "slash", *"4645", "enter", *keys, "@Nothing has been done"))
        assert asked.calls == [call]
        await press(pilot, (*"4645", "enter"))
        await says(pilot, "HELD")
        assert isinstance(app.front, OperationScreen)
        assert not asked.left


async def test_what_is_not_wanted_is_let_go() -> None:
    asked = Asked()
    app = application()
    app.operations = asked.operations()
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("2", "@server", "slash", *"4645", "enter", "K", "@Nothing has been done", "escape"))
        for _ in range(100):
            if asked.left:
                break
            await pilot.pause(0.02)
        assert asked.left == 1


async def test_a_scenario_is_performed_and_its_report_is_read() -> None:
    asked: list[str] = []

    def perform(name: str, width: int) -> Sequence[str]:
        assert 60 < width < 100
        asked.append(name)
        return ("it went well",)

    app = application()
    scenarios = (("keeper", "A keeper"), ("locks", "Ways to hold back"))
    app.operations = replace(NO_OPERATIONS, scenarios=lambda: scenarios, perform=perform)
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("S", "@Ways to hold back", "slash", *"ways", "enter", "enter", "@it went well"))
    assert asked == ["locks"]
