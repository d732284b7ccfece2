"""Why is it silent? Asked from a row of Connections, of the living host and of a recording."""

from dataclasses import replace

from tests.sample import APP, CONNECTION, HOSTILE, FixedSource, evidence
from tests.tui.screens import application, press
from workbench.evidence import Connection
from workbench.evidence.silence import Answer, Proof, Silent
from workbench.tui.app import WorkbenchApp
from workbench.tui.picture import screen_lines


async def test_the_answer_stands_over_the_screen_with_what_shows_it() -> None:
    asked: list[tuple[Connection, int]] = []

    def ask(connection: Connection, netns: int) -> Answer:
        asked.append((connection, netns))
        return Answer(Silent.LOCKED, connection, netns, f"locked{HOSTILE}", (Proof("locks", HOSTILE),), "wait")

    app = application()
    app.operations = replace(app.operations, why_silent=ask)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "w", "@locked: locked", "@What to do"))
        assert asked == [(CONNECTION, APP)]
        assert all(letter.isprintable() for letter in "".join(screen_lines(app)))


async def test_of_a_recording_the_evidence_alone_answers() -> None:
    class Recorded(FixedSource):
        is_live = False

    app = WorkbenchApp(lambda: Recorded(evidence))
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "w", "@a network lock of CRIU still holds this end back"))
