"""What `workbench open` shows of files that are no bundle, each on the screen that says most of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tui.screens import press, says
from workbench.cli.opened import opened
from workbench.errors import WorkbenchError
from workbench.tui.app import WorkbenchApp
from workbench.tui.keys import STEPS
from workbench.tui.screens.packets import PacketsScreen

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings"
PODMAN = RECORDINGS / "podman"
LOG = "(00.000001) Error (criu/sk-inet.c:188): inet: Connected TCP socket, consider using --tcp-established option.\n"


def application(*paths: Path) -> tuple[WorkbenchApp, str]:
    source, screen = opened([str(path) for path in paths])
    return WorkbenchApp(lambda: source), screen


@pytest.mark.parametrize(
    ("names", "screen", "said"),
    [
        (["podman/echo.tar.zst"], "checkpoints", ["podman container echo", "10.88.0.55/16", "LISTEN [::]:7000"]),
        (["netfilter/pairs.nft"], "netfilter", ["10.0.0.2:7022 <-> 10.0.0.1:56692"]),
        (["podman/peer-after.ss"], "connections", ["10.88.0.55:7001"]),
        (["podman/echo.tar.zst", "podman/between.pcap"], "checkpoints", ["echo.tar.zst and 1 more", "Container"]),
        (["bundles/format-1.zip"], "connections", ["9 of 9"]),
    ],
)
async def test_it_stands_on_the_screen_that_shows_it(names: Sequence[str], screen: str, said: Sequence[str]) -> None:
    app, first = application(*(RECORDINGS / name for name in names))
    assert first == screen
    async with app.run_test(size=(140, 50)) as pilot:
        app.go_to(first)
        await says(pilot, "recorded")
        for text in said:
            await says(pilot, text)


async def test_a_log_is_judged(tmp_path: Path) -> None:
    log = tmp_path / "dump.log"
    log.write_text(LOG)
    app, first = application(log)
    assert first == "findings"
    async with app.run_test(size=(140, 50)) as pilot:
        app.go_to(first)
        await says(pilot, "LOG001")


async def test_of_a_capture_the_packets_are_listed_from_the_first_one() -> None:
    app, first = application(PODMAN / "between.pcap")
    assert first == "connections"
    async with app.run_test(size=(140, 50)) as pilot:
        await says(pilot, "112 segments")
        assert isinstance(app.screen, PacketsScreen)
        await press(pilot, ("@> 0.000000", "escape", "@p lists them", "p", "@112 segments"))
        assert not any(app.offers(name) for name in STEPS)  # a file has one moment


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", bytes(600)])
def test_what_cannot_be_opened_is_refused_before_anything_is_drawn(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    for paths in ([path], [PODMAN / "between.pcap", path]):
        with pytest.raises(WorkbenchError):
            application(*paths)
