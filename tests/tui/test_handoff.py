"""A connection is handed off from its row, and on from its file: asked, planned, confirmed, told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from socket import AF_INET

import pytest

from tests.sample import CONNECTION, evidence
from tests.tui.screens import application, press, says
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Holder, ImageDirectory, ImageSocket, TcpState
from workbench.operation.handoff.plan import HandoffPlan, HandoffRequest
from workbench.tui.known_images import KnownImages
from workbench.tui.operations import NO_OPERATIONS

FILE = "/var/lib/connection.state"
ROW = ("slash", *"56692", "enter")
DESCRIPTOR = HandoffRequest(pid=4645, fd=4)


def on_checkpoints() -> Evidence:
    held = ImageSocket(1, AF_INET, TcpState.ESTABLISHED, CONNECTION, ())
    return evidence(images=(ImageDirectory(FILE, True, 900, 1.0, (), (held,)),))


GOALS: Sequence[tuple[tuple[str, ...], HandoffRequest]] = (
    (tuple("/run/n.sock"), replace(DESCRIPTOR, to="/run/n.sock")),
    ((*"srv", "space", *"-x", "up", "right"), replace(DESCRIPTOR, command=("srv", "-x"))),
    ((*"c.state", "up", "left"), replace(DESCRIPTOR, keep="c.state")),
    (
        (*"/n", "down", *"blue", "down", "right"),
        replace(DESCRIPTOR, to="/n", netns="blue", move_address=True),
    ),
)


@pytest.mark.parametrize(("typed", "wanted"), GOALS)
async def test_where_it_goes_is_asked_then_planned_then_done(typed: tuple[str, ...], wanted: HandoffRequest) -> None:
    asked: list[HandoffRequest] = []

    def plan(request: HandoffRequest) -> HandoffPlan:
        asked.append(request)
        return HandoffPlan(request, "Hand-off of it", holders=(Holder(4645, 4, "server"),))

    app = application()
    app.operations = replace(NO_OPERATIONS, plan_handoff=plan, hand_off=lambda _: ["it went well"])
    async with app.run_test(size=(80, 24)) as pilot:
        await says(pilot, "56692")
        await press(pilot, (*ROW, "h", "@Unix socket", *typed, "enter", "@Nothing has been done"))
        assert asked == [wanted]
        await press(pilot, (*"4645", "enter", "@it went well"))


async def test_the_questions_stand_in_the_middle() -> None:
    app = application()
    async with app.run_test(size=(200, 60)) as pilot:
        await says(pilot, "56692")
        await press(pilot, (*ROW, "h", "@Unix socket"))
        region = app.screen.query_one("#options").region
        assert abs(region.x - (200 - region.right)) <= 1
        assert abs(region.y - (60 - region.bottom)) <= 1


async def test_a_connection_in_a_file_is_handed_on_from_its_row() -> None:
    asked: list[HandoffRequest] = []

    def plan(request: HandoffRequest) -> HandoffPlan:
        asked.append(request)
        return HandoffPlan(request, "Hand-off from a file")

    app = application(on_checkpoints)
    app.operations = replace(NO_OPERATIONS, plan_handoff=plan)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ("4", "@a connection", "r", "@Hand on from", *"/n", "enter"))
        await says(pilot, "type restore")
    assert asked == [HandoffRequest(state_file=FILE, to="/n")]


def test_a_file_that_is_no_connection_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("something else")
    with pytest.raises(WorkbenchError, match="not the state of a connection"):
        KnownImages().add(tmp_path / "other")
