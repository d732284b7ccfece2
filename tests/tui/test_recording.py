"""The application on a bundle: steps through its moments, and what cannot be done there."""

from pathlib import Path

import pytest

from tests.sample_events import ScriptedRecorder, stretch
from tests.sample_traffic import ScriptedCapture
from tests.tui.screens import application, press, says
from workbench.bundle.gather import Sought, gather
from workbench.bundle.judged import LibraryJudge
from workbench.bundle.redaction import Redaction
from workbench.bundle.write import Made, Material, Shot, make
from workbench.errors import WorkbenchError
from workbench.evidence import EventKind, Evidence, Gap
from workbench.evidence.recording import RecordedFinding
from workbench.present.judgement import Judgement
from workbench.read.bundle import Bundle
from workbench.tui.app import WorkbenchApp
from workbench.tui.keys import LIVE, STEPS
from workbench.tui.operations import Operations
from workbench.tui.recorded import compared

RECORDED = Path(__file__).parents[2] / "fixtures" / "recordings" / "bundles" / "format-1.zip"


def on_bundle() -> WorkbenchApp:
    bundle = Bundle(str(RECORDED))
    return WorkbenchApp(lambda: bundle, judge=compared(bundle))


async def test_it_opens_at_the_last_moment_and_steps_through_the_others() -> None:
    app = on_bundle()
    count = len(Bundle(str(RECORDED)).moments)
    async with app.run_test(size=(140, 40)) as pilot:
        await says(pilot, f"{count} of {count}: restore: after")
        assert app.is_recorded
        await says(pilot, "redacted")
        await press(pilot, ("left_square_bracket", f"@{count - 1} of {count}"))
        await press(pilot, ("right_square_bracket", f"@{count} of {count}"))
        await press(pilot, ("left_square_bracket",) * count)
        await says(pilot, f"1 of {count}: dump: before")
        await says(pilot, "ESTAB")


async def test_two_moments_are_compared_in_the_order_of_time() -> None:
    app = on_bundle()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await press(pilot, ("@9 of 9", "equals_sign", "@Step to another moment first"))
        await press(pilot, ("left_square_bracket", "@8 of 9", "equals_sign", "@first   8 of 9", "@second  9 of 9"))
        await press(pilot, ("escape", "left_square_bracket", "@7 of 9", "equals_sign", "@second  8 of 9"))


async def test_the_checks_are_asked_about_the_moment_that_is_shown() -> None:
    app = on_bundle()
    async with app.run_test(size=(140, 40)) as pilot:
        await says(pilot, "restore: after")
        await press(pilot, ("6", "@Nothing found"))
        bundle = Bundle(str(RECORDED))
        number = next(each.moment for each in bundle.findings() if each.severity != "note")
        code = next(each.code for each in bundle.findings() if each.moment == number and each.severity != "note")
        await press(pilot, ("left_square_bracket",) * (len(bundle.moments) - 1 - number))
        await says(pilot, code)


async def test_a_key_that_is_greyed_out_does_nothing_else() -> None:
    app = on_bundle()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await says(pilot, "restore: after")
        await press(pilot, ("1", "q", "@queues: this is a recording"))
        assert app.is_running


async def test_a_recording_offers_no_operation() -> None:
    app = on_bundle()
    async with app.run_test(size=(140, 40)) as pilot:
        await says(pilot, "restore: after")
        await press(pilot, ("o", "@[ and ] go through them"))


async def test_what_needs_a_living_host_is_greyed_out_and_says_why() -> None:
    app = on_bundle()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await says(pilot, "restore: after")
        assert all(app.offers(name) in {None, False} for name in LIVE)
        assert all(app.offers(name) for name in STEPS)
        await press(pilot, ("d", "@this is a recording"))
        await press(pilot, ("4", "r", "@restore: this is a recording"))
        assert len(app.screen_stack) == 1


async def test_on_a_living_host_there_is_nothing_to_step_through() -> None:
    app = application()
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        assert not app.is_recorded
        assert all(app.offers(name) is False for name in STEPS)
        assert all(app.offers(name) for name in LIVE)


def found(severity: str, subject: str) -> RecordedFinding:
    return RecordedFinding(0, "NFT001", "netlock-leftover", severity, subject, "It was there.")


def test_what_was_found_then_and_is_not_found_now_is_told() -> None:
    class Recording:
        label, is_live, at, tool = "x", False, 0, "0.1"
        moments = Bundle(str(RECORDED)).moments[:1]

        def findings(self) -> tuple[RecordedFinding, ...]:
            return (found("error", "lock of then"),)

        def go(self, number: int) -> None: ...
        def evidence(self) -> Evidence: ...  # type: ignore[empty-body]
        def close(self) -> None: ...

    recording = Recording()
    moment = recording.moments[0]
    judge = compared(recording, lambda: lambda _: Judgement())()
    told = judge(Evidence(moment.taken, moment.monotonic_ns, ())).findings
    assert [(each.code, each.severity) for each in told] == [("NFT001", "note")]
    assert "not by the checks of today" in told[0].problem.message
    assert judge(Evidence(moment.taken + 1, 0, ())).findings == ()


def made() -> Made:
    shot = Shot("now", Evidence(1.0, 1, ("live",), rules=()))
    return make(Material("this host", (shot,)), Redaction(bytes(32)), judge=LibraryJudge())


async def test_a_bundle_is_made_after_a_look_at_what_would_be_in_it() -> None:
    saved: list[Made] = []

    def save(one: Made) -> str:
        saved.append(one)
        return "/tmp/workbench-bundle.zip"

    app = application()
    app.operations = Operations(plan_bundle=lambda *_: made(), save_bundle=save)
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("B", "@moments/0001/rules.json"))
        assert saved == []
        await press(pilot, ("y", "e", "s", "enter", "@Written: /tmp/workbench-bundle.zip"))
        assert len(saved) == 1


async def test_a_bundle_holds_what_the_application_has_recorded() -> None:
    taken: list[Evidence | None] = []

    def plan(_: bool, recorded: Evidence | None) -> Made:
        taken.append(recorded)
        return made()

    recorder = ScriptedRecorder(stretch())
    app = application()
    app.operations = Operations(record=recorder.record, plan_bundle=plan)
    app.timeline.captures.append(ScriptedCapture())
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("5", "@rows", "1", "B", "@moments/0001/rules.json"))
    (recorded,) = taken
    assert recorded is not None
    assert not isinstance(recorded.events, Gap)
    resets = [each for each in stretch().events if each.kind is EventKind.RESET_PACKET]
    assert [each.at_ns for each in recorded.events] == sorted(each.at_ns for each in recorded.events)
    assert {each for each in stretch().events if each not in resets} <= set(recorded.events)
    assert {found.event for found in stretch().attributions} <= set(recorded.events)
    assert not isinstance(recorded.captures, Gap)
    material = gather(Sought(host=False, recorded=recorded))
    (shot,) = material.shots
    assert shot.evidence.events == recorded.events
    assert shot.evidence.captures == recorded.captures


async def test_what_cannot_be_bundled_is_said() -> None:
    def refuse(*_: object) -> Made:
        raise WorkbenchError("the key cannot be kept", "make room")

    app = application()
    app.operations = Operations(plan_bundle=refuse)
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("B", "@the key cannot be kept"))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)])
async def test_it_fits_every_terminal(size: tuple[int, int]) -> None:
    app = on_bundle()
    async with app.run_test(size=size) as pilot:
        await says(pilot, "recorded")
        for key in ("2", "3", "4", "5", "6", "1"):
            await press(pilot, (key,))
