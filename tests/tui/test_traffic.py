"""The screens of queues and packets, by keys."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.sample_traffic import ANSWER, REQUEST, ScriptedCapture, queues
from tests.tui.screens import application, key_press, press, until
from workbench.tui.picture import screen_lines
from workbench.tui.screens.connections import ConnectionsScreen
from workbench.tui.screens.packets import PacketsScreen
from workbench.tui.screens.queues import QueuesScreen

SIZES = ((60, 20), (80, 24), (200, 60))


async def answer(pilot: Pilot[int], text: str) -> None:
    """Type into the question that is asked."""
    pilot.app.screen.query_one("#answer", Input).value = text
    await key_press(pilot, "enter")


@pytest.mark.parametrize("size", SIZES)
async def test_queues_live_then_both_after_a_yes(size: tuple[int, int]) -> None:
    app = application()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ("@56692", "q", "@looks like HTTP/1.1 request: GET /"))
        await press(pilot, ("s", "@These stand still", *"no", "enter", "@Nobody is stopped yet"))
        await press(pilot, (*"yes", "enter", "@stood still for 2.5 ms", "G", "@the rest"))
        assert "\x1b" not in "".join(screen_lines(app))
        await press(pilot, ("l", "@s stops its holders"))
        await press(pilot, ("q",))
        assert isinstance(app.screen, ConnectionsScreen)
        assert app.return_code is None


async def test_a_search_goes_from_place_to_place() -> None:
    app = application()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ("@56692", "q", "@GET /", "slash", "@Search"))
        await answer(pilot, "Host: ")
        await press(pilot, ("@found 1 of 40",))
        assert isinstance(app.screen, QueuesScreen)
        view = app.screen.query_one("#queue-bytes")
        await key_press(pilot, "N")
        await until(pilot, lambda: view.scroll_offset.y > 0)
        await key_press(pilot, "n")
        await until(pilot, lambda: view.scroll_offset.y == 0)
        await press(pilot, ("slash", "@Search"))
        await answer(pilot, "hex:zz")
        await press(pilot, ("@not hexadecimal",))


async def test_queues_are_written_to_files(tmp_path: Path) -> None:
    app = application()
    async with app.run_test(size=(200, 60), notifications=True) as pilot:
        await press(pilot, ("@56692", "q", "@GET /", "s", "@These stand still", *"yes", "enter", "@2.5 ms"))
        await press(pilot, ("e", "@Write each"))
        await answer(pilot, f"{tmp_path}/x")
        await press(pilot, ("@Written",))
    assert (tmp_path / "x-received.bin").read_bytes() == REQUEST
    assert (tmp_path / "x-in-flight.bin").read_bytes() == ANSWER
    assert (tmp_path / "x-unsent.bin").read_bytes() == b"the rest"


@pytest.mark.parametrize("size", SIZES)
async def test_packets_are_listed_with_what_is_notable(size: tuple[int, int]) -> None:
    app = application()
    async with app.run_test(size=size) as pilot:
        await press(pilot, ("@56692", "p", "@retransmission", "@reset"))
        screen = app.screen
        assert isinstance(screen, PacketsScreen)
        assert screen.rows.total_count == 5
        await press(pilot, ("c",))
        assert screen.rows.total_count == 10
        await press(pilot, ("c", "n"))
        assert screen.rows.total_count == 2
        await press(pilot, ("enter", "@TTL 64", "escape", "p", "@ended", "p", "@capturing", "escape"))
        assert isinstance(app.screen, ConnectionsScreen)


async def test_the_capture_ends_with_its_screen_and_can_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ScriptedCapture] = []
    before = ScriptedCapture.__init__

    def remembered(self: ScriptedCapture) -> None:
        before(self)
        made.append(self)

    monkeypatch.setattr(ScriptedCapture, "__init__", remembered)
    app = application()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, ("@56692", "p", "@capturing", "e", "@Write the capture"))
        await answer(pilot, f"{tmp_path}/x")
        await press(pilot, ("@10 packets written", "escape"))
        assert made[0].saved == tmp_path / "x"
        assert made[0].closed


async def test_queues_of_images() -> None:
    app = application()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, ("@56692", "4", "@images/server", "q"))
        await until(pilot, lambda: "ueues" in "\n".join(screen_lines(app)))


def test_the_sample_is_what_it_seems() -> None:
    assert [part.length for part in queues(stopped=True).parts] == [len(REQUEST), len(ANSWER), 8]
