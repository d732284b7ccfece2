"""Findings on the screens: judged beside, folded, copied, and acted on."""

import threading
from dataclasses import replace
from queue import SimpleQueue

from tests.sample import HOSTILE, FixedSource, evidence, judgement
from tests.sample_operation import ScriptedOperation, finished, held
from tests.tui.screens import DUMP_KEYS, application, press, says, until
from workbench.evidence import Evidence
from workbench.operation.diagnosis import Diagnosis
from workbench.operation.progress import Outcome
from workbench.present.judgement import Judgement
from workbench.tui.app import WorkbenchApp
from workbench.tui.judge import Judge, library
from workbench.tui.operations import Operations
from workbench.tui.picture import screen_lines
from workbench.tui.screens.findings import FindingsScreen

PATIENCE_S = 10.0


async def test_the_library_finds_the_lock_and_every_screen_shows_it() -> None:
    app = application(judge=library())
    async with app.run_test(size=(100, 70)) as pilot:
        await says(pilot, ">!ESTAB!")
        await says(pilot, "1 error")
        await press(pilot, ("6", "@error   NFT002", "enter", "@What NFT002 means", "escape"))


async def test_recorded_evidence_is_judged_too() -> None:
    class Recorded(FixedSource):
        is_live = False

    app = WorkbenchApp(lambda: Recorded(evidence), judge=lambda: lambda _: judgement())
    async with app.run_test() as pilot:
        await press(pilot, ("6", "@NFT002"))


async def test_consequences_unfold_and_the_fix_is_copied() -> None:
    app = application()
    async with app.run_test(notifications=True) as pilot:
        await press(pilot, ("6", "@NFT002", "f", "@SCK006", "y", "@Copied"))
        assert app.clipboard == "nft delete table inet CRIU-6f1c2d3e-0000-4000-80"
        assert isinstance(app.screen, FindingsScreen)
        assert app.screen.rows.shown_count == 3
        await press(pilot, ("f", "down", "down"))
        assert app.screen.rows.shown_count == 2
        assert "remove lock" not in screen_lines(app)[-1]


async def test_the_report_of_a_failed_operation_names_the_cause() -> None:
    failed = replace(finished(), outcome=Outcome.FAILED, error="", proofs=())
    cause = judgement(HOSTILE).findings[:1]
    app = application(operation=ScriptedOperation(held(), failed))
    app.operations = replace(app.operations, diagnose=lambda _: Diagnosis(cause, {"NFT002": "The page."}))
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        await press(pilot, (*DUMP_KEYS, "c", "@Why, and what to do", "@The page."))
        assert all(letter.isprintable() for letter in "".join(screen_lines(app)))


async def test_checks_that_hang_or_crash_hold_nothing_up() -> None:
    release = threading.Event()

    def hang(_: Evidence) -> Judgement:
        release.wait(PATIENCE_S)
        raise ZeroDivisionError

    app = application(judge=hang)
    app.operations = Operations()
    async with app.run_test() as pilot:
        await press(pilot, ("6", "@The checks are being asked"))
        before = app.moment
        app.look_now()
        await until(pilot, lambda: app.moment is not before)
        release.set()
        await says(pilot, "1 crashed")


def test_of_several_moments_only_the_newest_is_judged() -> None:
    first, second, third = evidence(), evidence(), evidence()
    judged: list[Evidence] = []
    begun, go_on = threading.Event(), threading.Event()
    told: SimpleQueue[bool] = SimpleQueue()

    def ask(moment: Evidence) -> Judgement:
        judged.append(moment)
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return judgement(str(len(judged)))

    judge = Judge(lambda: ask, lambda: told.put(True))
    judge.start()
    judge.offer(first)
    assert begun.wait(PATIENCE_S)
    judge.offer(second)
    judge.offer(third)
    judge.hurry()
    go_on.set()
    assert told.get(timeout=PATIENCE_S)
    assert told.get(timeout=PATIENCE_S)
    judge.stop()
    assert judged == [first, third]
