"""The Timeline: rows as they come, narrowed, followed, explained; recorded ones too."""

from dataclasses import replace

from tests.sample import APP, CONNECTION, HOSTILE, FixedSource, evidence
from tests.sample_events import BEGAN_NS, OTHER, ScriptedRecorder, reset, stretch
from tests.tui.screens import DUMP_KEYS, application, press, says, until
from workbench.evidence import Evidence, Gap
from workbench.evidence.event import Event, EventKind
from workbench.evidence.stretch import Stretch
from workbench.present.timeline_rows import MOST
from workbench.tui.app import WorkbenchApp
from workbench.tui.picture import screen_lines
from workbench.tui.screens.timeline import TimelineScreen


def shown(app: WorkbenchApp) -> TimelineScreen:
    assert isinstance(app.screen, TimelineScreen)
    return app.screen


def storm(first: int, many: int) -> tuple[Event, ...]:
    begin = BEGAN_NS + 10_000_000_000
    return tuple(Event(begin + number, EventKind.RETRANSMISSION, APP, OTHER) for number in range(first, first + many))


async def test_recording_begins_when_somebody_looks_and_ends_with_the_application() -> None:
    recorder = ScriptedRecorder(stretch())
    app = application(recorder=recorder)
    async with app.run_test(size=(100, 30)) as pilot:
        await says(pilot, "56692")
        assert recorder.deliver is None
        await press(pilot, ("5", "@= reset (lock-lifted)", "@since ", "@8 rows"))
        assert not recorder.closed
    assert recorder.closed


async def test_a_row_of_connections_opens_its_timeline_and_escape_shows_everything() -> None:
    recorder = ScriptedRecorder(stretch())
    app = application(recorder=recorder)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "t", "@only 10.0.0.2:7022", "@= reset"))
        assert "10.0.0.9" not in "\n".join(screen_lines(app))
        await until(pilot, lambda: len(recorder.focused) == 1)
        focus = recorder.focused[0]
        assert focus is not None
        assert [focus.wants(Event(0, EventKind.STATE, connection=each)) for each in (CONNECTION, OTHER)] == [
            True,
            False,
        ]
        await press(pilot, ("escape", "@10.0.0.9"))
        assert recorder.focused[-1] is None


async def test_a_row_narrows_to_its_connection_process_and_namespace() -> None:
    app = application()
    async with app.run_test(size=(120, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@10.0.0.9", "home"))
        for key, said, rows in (("c", "only 10.0.0.2:7022 -> 10.0.0.9:40112", 2), ("p", "process client 2001", 2)):
            await press(pilot, (key, f"@{said}"))
            assert shown(app).rows.total_count == rows
            await press(pilot, ("a", "@= reset", "home"))
        await press(pilot, ("home", "n", "@network namespace app"))
        assert shown(app).rows.total_count == 6


async def test_the_detail_explains_and_says_who_did_it() -> None:
    app = application()
    async with app.run_test(size=(100, 60)) as pilot:
        await press(pilot, ("@56692", "5", "@= reset", "slash", *"reset sent", "enter", "enter"))
        await press(pilot, ("@NO_SOCKET: a segment came for a connection", "@the lock had been lifted by nft", "@do  "))


async def test_it_follows_until_the_cursor_moves_and_again_when_asked() -> None:
    recorder = ScriptedRecorder(stretch())
    app = application(recorder=recorder)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@= reset", "@follows"))
        assert recorder.deliver is not None
        recorder.deliver(stretch(storm(0, 50)))
        await until(pilot, lambda: shown(app).rows.total_count == 58)
        assert "retransmission" in "\n".join(screen_lines(app)[-12:])
        await press(pilot, ("up", "up"))
        before = shown(app).rows.cursor_row
        recorder.deliver(stretch(storm(50, 50)))
        await until(pilot, lambda: shown(app).rows.total_count == 108)
        assert before is not None
        assert shown(app).rows.cursor_row is before
        await press(pilot, ("@f follows", "f"))
        recorder.deliver(stretch(storm(100, 1)))
        await until(pilot, lambda: shown(app).rows.total_count == 109)
        row = shown(app).rows.cursor_row
        assert row is not None
        assert row.key == 108


async def test_paused_it_stands_still_and_goes_on_afterwards() -> None:
    recorder = ScriptedRecorder(stretch())
    app = application(recorder=recorder)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@= reset", "space", "@paused"))
        assert recorder.deliver is not None
        version = app.timeline.version
        recorder.deliver(stretch(storm(0, 50)))
        await until(pilot, lambda: app.timeline.version > version)
        assert shown(app).rows.total_count == 8
        await press(pilot, ("space",))
        await until(pilot, lambda: shown(app).rows.total_count == 58)


async def test_memory_is_bounded_and_what_is_missing_is_said() -> None:
    recorder = ScriptedRecorder(stretch())
    app = application(recorder=recorder)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@= reset"))
        assert recorder.deliver is not None
        for number in range(0, MOST + 1000, 1000):
            recorder.deliver(stretch(storm(number, 1000), lost=17, left_out=4711))
        await press(pilot, ("@17 LOST", "@4711 left out", "@newest kept"))
        assert shown(app).rows.total_count <= MOST


async def test_without_privilege_it_says_what_would_help() -> None:
    gap = Gap("events", "the kernel's trace files may be used by root only", "run as root")
    app = application(recorder=ScriptedRecorder(Stretch(refused=gap, gaps=(gap,))))
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@may be used by root only", "@run as root", "@nothing is recorded"))


async def test_stages_of_an_operation_stand_in_their_place() -> None:
    app = application(recorder=ScriptedRecorder())
    async with app.run_test(size=(100, 40)) as pilot:
        await press(pilot, ("@56692", *DUMP_KEYS, "t", "@only 10.0.0.2:7022"))
        stages = [event for event in app.timeline.rows.waiting if event.kind is EventKind.STAGE]
        assert stages
        app.timeline.take(Stretch(until_ns=max(event.at_ns for event in stages) + 1))
        await says(pilot, "criu: ")


async def test_recorded_events_are_shown_too() -> None:
    class Recorded(FixedSource):
        is_live = False

    def look() -> Evidence:
        return replace(evidence(), events=reset())

    app = WorkbenchApp(lambda: Recorded(look))
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@= reset (lock-lifted)", "t"))
        await press(pilot, ("1", "@56692", "t", "@only 10.0.0.2:7022", "@= reset"))
        assert shown(app).rows.total_count == 7


async def test_a_recording_without_events_says_so() -> None:
    class Recorded(FixedSource):
        is_live = False

    app = WorkbenchApp(lambda: Recorded(evidence))
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("@56692", "5", "@not part of this evidence"))


async def test_hostile_text_stays_text() -> None:
    app = application(recorder=ScriptedRecorder(stretch(reset(HOSTILE), names={APP: HOSTILE})))
    async with app.run_test(size=(200, 60)) as pilot:
        await press(pilot, ("@56692", "5", "@= reset"))
        for _ in range(7):
            assert all(letter.isprintable() for letter in "".join(screen_lines(app)))
            await press(pilot, ("up",))
