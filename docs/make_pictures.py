"""Make docs/pictures: the application on a real dump and restore of the lab connection.

Needs root and a CRIU that works: ``.venv/bin/python docs/make_pictures.py``.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from workbench.tui.app import WorkbenchApp
from workbench.tui.picture import screen_lines
from workbench.tui.wiring import LiveHost

PICTURES = Path(__file__).parent / "pictures"
ROOT = str(Path(__file__).parent.parent)
PATIENCE_S = 60.0
SIZE = (100, 30)


async def until(pilot: Pilot[int], said: Callable[[str], bool]) -> None:
    """Wait for the screen to say something."""
    deadline = time.monotonic() + PATIENCE_S
    while not said("\n".join(screen_lines(pilot.app))):
        if time.monotonic() > deadline:
            raise SystemExit("\n".join(screen_lines(pilot.app)))
        await pilot.pause(0.1)


async def take(pilot: Pilot[int], name: str) -> None:
    """One picture, without the notifications of the moment."""
    pilot.app.clear_notifications()
    await pilot.pause(0.3)
    picture = pilot.app.export_screenshot(title="workbench")
    # Viewers drop spaces at the start of a text element, and with them the alignment of columns.
    picture = re.sub(r"(?<=>)[^<>]+(?=</text>)", lambda text: text[0].replace(" ", "&#160;"), picture)
    # Where the tree lies on the machine that made the picture is nobody's business.
    picture = picture.replace(ROOT, "/workbench"[: len(ROOT)] + "&#160;" * (len(ROOT) - len("/workbench")))
    (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


async def only_lab(pilot: Pilot[int]) -> None:
    """Filter the table: other processes of this machine are nobody's business either."""
    await pilot.press("slash", *"lab-", "enter")


async def tour(pilot: Pilot[int]) -> None:
    """From the first screen to the proof."""
    press: Callable[..., Awaitable[None]] = pilot.press
    await until(pilot, lambda text: "lab-server" in text and "agrees" in text)
    await only_lab(pilot)
    await take(pilot, "connections")
    await press("5")
    await until(pilot, lambda text: "recording" in text or "recorded" in text)
    await press("1", "d")
    await until(pilot, lambda text: "Network lock" in text)
    await take(pilot, "options")
    await press("enter")
    await until(pilot, lambda text: "Nothing has been done yet" in text)
    await take(pilot, "plan")
    await press(*str(pilot.app.lab.server_pid), "enter")  # type: ignore[attr-defined]
    await until(pilot, lambda text: "HELD" in text)
    await pilot.pause(2.5)
    await take(pilot, "operation")
    await press("3")
    await until(pilot, lambda text: "CRIU-" in text)
    await take(pilot, "netfilter")
    await press("1")
    await until(pilot, lambda text: re.search(r" x\d", text) is not None)
    await take(pilot, "locked")
    await press("o", "c")
    await until(pilot, lambda text: "restores it now" in text)
    await take(pilot, "dumped")
    await press("r")
    await until(pilot, lambda text: "before the unlock" in text)
    await press("enter")
    await until(pilot, lambda text: "Nothing has been done yet" in text)
    await press(*str(pilot.app.lab.server_pid), "enter")  # type: ignore[attr-defined]
    await until(pilot, lambda text: "HELD" in text)
    await press("c")
    await until(pilot, lambda text: "proved to go on" in text)
    await take(pilot, "proof")
    await press("5", "slash", *"10.77.0.", "enter")
    await until(pilot, lambda text: "10.77.0.2" in text)
    await take(pilot, "timeline")
    await press("4")
    await until(pilot, lambda text: "restored" in text)
    await only_lab(pilot)
    await take(pilot, "checkpoints")
    await press("2")
    await until(pilot, lambda text: "lab-server" in text)
    await only_lab(pilot)
    await take(pilot, "processes")


async def main() -> None:
    with tempfile.TemporaryDirectory() as state:
        os.environ["WORKBENCH_STATE"] = state  # neither show nor leave anything of this machine's operations
        await make()


async def make() -> None:
    """All of them, in one tour."""
    host = LiveHost()
    app = WorkbenchApp(host.open_source, host.operations(), lab="established")
    PICTURES.mkdir(exist_ok=True)
    try:
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await tour(pilot)
    finally:
        app.lab.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
