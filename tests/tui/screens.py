"""Pictures of screens as text: how each is reached. ``python -m tests.tui.screens`` writes them anew."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.pilot import Pilot

from tests.sample import FixedSource, evidence, judgement
from tests.sample_events import ScriptedRecorder, stretch
from tests.sample_operation import ScriptedOperation, dump_plan, finished, held
from tests.sample_traffic import ScriptedCapture, queues
from workbench.evidence import Evidence
from workbench.present.judgement import Judgement
from workbench.tui.app import WorkbenchApp
from workbench.tui.operations import Operations
from workbench.tui.picture import screen_lines

DIRECTORY = Path(__file__).parent.parent.parent / "fixtures" / "screens"
PATIENCE_S = 20.0
DESIGN, SMALL, LARGE = (80, 24), (60, 20), (200, 60)
DUMP_KEYS = ("d", "@Network lock", "enter", "@Nothing has been done", *"4645", "enter", "@HELD")

TOURS: dict[str, tuple[tuple[int, int], Sequence[tuple[str, Sequence[str]]]]] = {
    "80x24": (
        DESIGN,
        (
            ("connections", ("@1 warning",)),
            ("connections-filter", ("slash", *"2001", "enter")),
            ("processes", ("escape", "2", "@/usr/bin/server")),
            ("netfilter", ("3", "@--dport 22")),
            ("checkpoints", ("4", "@images/server")),
            ("findings", ("6", "@Delete the table")),
            ("finding", ("f", "enter", "@What NFT002")),
            ("options", ("escape", "1", "home", "d", "@Network lock")),
            ("plan", ("enter", "@Nothing has been done")),
            ("operation", (*"4645", "enter", "@HELD")),
            ("report", ("c", "@proved to go on")),
        ),
    ),
    "60x20": (
        SMALL,
        (("connections", ("@1 warning",)), ("findings", ("6", "@NFT002")), ("operation", ("1", *DUMP_KEYS))),
    ),
    "200x60": (
        LARGE,
        (
            ("connections", ("@1 warning",)),
            ("netfilter", ("3", "@--dport 22")),
            ("findings", ("6", "@Delete")),
            ("operation", ("1", *DUMP_KEYS)),
        ),
    ),
}
"""By size: the pictures on the way, each with the keys that lead to it; ``@TEXT`` waits until the screen says so."""


def application(
    look: Callable[[], Evidence] = evidence,
    operation: ScriptedOperation | None = None,
    judge: Callable[[Evidence], Judgement] = lambda _: judgement(),
    recorder: ScriptedRecorder | None = None,
) -> WorkbenchApp:
    """The application on made-up evidence, with a scripted operation, scripted checks and scripted events."""
    scripted = operation or ScriptedOperation(held(), finished())
    operations = Operations(
        plan_dump=lambda _: dump_plan(),
        plan_restore=lambda _: dump_plan(kind="restore"),
        begin=lambda _: scripted,
        images_for=lambda _: "/var/lib/images",
        peek_queues=lambda pid, fd: queues(),
        plan_queue_stop=lambda pid, fd: ("These stand still: server 4645 (1 thread).",),
        read_queues=lambda pid, fd: queues(stopped=True),
        capture=lambda _: ScriptedCapture(),
        record=(recorder or ScriptedRecorder(stretch())).record,
    )
    return WorkbenchApp(lambda: FixedSource(look), operations, judge=lambda: judge)


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
            await key_press(pilot, key)
    await pilot.pause()


async def key_press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, and wait until each is done."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    for key in keys:
        await pilot.press(key)
        await until(pilot, lambda: not app.type_ahead.busy)


async def tour(size: str) -> dict[str, str]:
    """The pictures of this size by name, as they are drawn now."""
    cells, stops = TOURS[size]
    app = application()
    found = {}
    async with app.run_test(size=cells) as pilot:
        await says(pilot, "56692")
        for name, keys in stops:
            await press(pilot, keys)
            found[f"{name}-{size}"] = "\n".join(screen_lines(app)) + "\n"
    return found


def main() -> None:
    """Write all of them anew; look at the difference before you commit it."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for size in TOURS:
        for name, picture in asyncio.run(tour(size)).items():
            (DIRECTORY / f"{name}.txt").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
