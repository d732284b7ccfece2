"""Pictures of screens as text: how each is reached. ``python -m tests.tui.screens`` writes them anew."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.pilot import Pilot

from tests.sample import FixedSource, ScriptedOperation, dump_plan, evidence, finished, held
from workbench.evidence import Evidence
from workbench.tui.app import WorkbenchApp
from workbench.tui.operations import Operations
from workbench.tui.picture import screen_lines

DIRECTORY = Path(__file__).parent.parent.parent / "fixtures" / "screens"
PATIENCE_S = 20.0
DESIGN, SMALL, LARGE = (80, 24), (60, 20), (200, 60)
DUMP_KEYS = ("d", "@Network lock", "enter", "@Nothing has been done", *"4645", "enter", "@HELD")

PICTURES: dict[str, tuple[tuple[int, int], Sequence[str]]] = {
    "connections-80x24": (DESIGN, ()),
    "connections-60x20": (SMALL, ()),
    "connections-200x60": (LARGE, ()),
    "connections-filter-80x24": (DESIGN, ("slash", *"2001", "enter")),
    "processes-80x24": (DESIGN, ("2", "@/usr/bin/server")),
    "netfilter-80x24": (DESIGN, ("3", "@--dport 22")),
    "netfilter-200x60": (LARGE, ("3", "@--dport 22")),
    "checkpoints-80x24": (DESIGN, ("4", "@images/server")),
    "options-80x24": (DESIGN, ("d", "@Network lock")),
    "plan-80x24": (DESIGN, ("d", "@Network lock", "enter", "@Nothing has been done")),
    "operation-80x24": (DESIGN, DUMP_KEYS),
    "operation-60x20": (SMALL, DUMP_KEYS),
    "operation-200x60": (LARGE, DUMP_KEYS),
    "report-80x24": (DESIGN, (*DUMP_KEYS, "c", "@proved to go on")),
}
"""Size, and the keys that lead there; ``@TEXT`` waits until the screen says so."""


def application(look: Callable[[], Evidence] = evidence, operation: ScriptedOperation | None = None) -> WorkbenchApp:
    """The application on made-up evidence, with a scripted operation."""
    scripted = operation or ScriptedOperation(held(), finished())
    operations = Operations(
        plan_dump=lambda _: dump_plan(),
        plan_restore=lambda _: dump_plan(kind="restore"),
        begin=lambda _: scripted,
        images_for=lambda _: "/var/lib/images",
    )
    return WorkbenchApp(lambda: FixedSource(look), operations)


async def until(pilot: Pilot[int], reached: Callable[[], bool]) -> None:
    """Wait for a condition that a thread brings about; there is no event for what stands on the screen."""
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, "\n".join(screen_lines(pilot.app))
        await pilot.pause(0.02)
    await pilot.pause()


async def says(pilot: Pilot[int], text: str) -> None:
    """Wait until the screen says ``text``."""
    await until(pilot, lambda: text in "\n".join(screen_lines(pilot.app)))


async def press(pilot: Pilot[int], keys: Sequence[str]) -> None:
    """Press keys; wait where one of them begins with an @."""
    for key in keys:
        if key.startswith("@"):
            await says(pilot, key[1:])
        else:
            await pilot.press(key)
    await pilot.pause()


async def picture(name: str) -> str:
    """The screen of this name, as it is drawn now."""
    size, keys = PICTURES[name]
    app = application()
    async with app.run_test(size=size) as pilot:
        await says(pilot, "56692")
        await press(pilot, keys)
        return "\n".join(screen_lines(app)) + "\n"


def main() -> None:
    """Write all of them anew; look at the difference before you commit it."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        (DIRECTORY / f"{name}.txt").write_text(asyncio.run(picture(name)), encoding="utf-8")


if __name__ == "__main__":
    main()
