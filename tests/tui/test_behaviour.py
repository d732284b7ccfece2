"""What keys bring about; assertions on the state and on the screen."""

from dataclasses import replace
from threading import Event

import pytest

from tests.sample import CONNECTION, HOSTILE, evidence, hostile_evidence, judgement, socket
from tests.sample_operation import ScriptedOperation, dump_plan, finished, held
from tests.tui.screens import DUMP_KEYS, application, key_press, press, says, until
from workbench.evidence import Evidence, Gap, TcpState, UnfinishedOperation
from workbench.operation.progress import Outcome
from workbench.operation.removal import RemovalPlan
from workbench.operation.remove_locks import plan_removal
from workbench.operation.request import RestoreRequest
from workbench.tui.app import WorkbenchApp
from workbench.tui.operations import Operations
from workbench.tui.picture import screen_lines
from workbench.tui.screens.connections import ConnectionsScreen
from workbench.tui.screens.options import OptionsScreen
from workbench.tui.session import Session
from workbench.tui.widgets.choice import ChoiceLine

SIZES = ((60, 20), (80, 24), (200, 60))


def _rows(app: WorkbenchApp) -> ConnectionsScreen:
    assert isinstance(app.screen, ConnectionsScreen)
    return app.screen


async def test_keys_lead_to_the_screens() -> None:
    app = application()
    async with app.run_test() as pilot:
        for key, mode in zip(
            "2346o1", ("processes", "netfilter", "checkpoints", "findings", "operation", "connections"), strict=True
        ):
            await key_press(pilot, key)
            assert app.current_mode == mode


async def test_the_palette_shows_what_is_typed() -> None:
    app = application()
    async with app.run_test() as pilot:
        await press(pilot, ("ctrl+p", *"netfil", "@Netfilter (3)"))
        assert any(each.strip().endswith("netfil") for each in screen_lines(app))
        await press(pilot, ("enter",))
        await until(pilot, lambda: app.current_mode == "netfilter")


@pytest.mark.parametrize("size", [(40, 10), (59, 24), (80, 15), (20, 5)])
async def test_a_terminal_that_is_too_small_is_told_so(size: tuple[int, int]) -> None:
    app = application()
    async with app.run_test(size=size) as pilot:
        await says(pilot, "larger" if size[0] > 20 else "20x5")
        await pilot.resize_terminal(60, 16)
        await says(pilot, "56692")
        await press(pilot, ("d", "@Network lock"))
        await pilot.resize_terminal(*size)
        await says(pilot, "larger" if size[0] > 20 else "20x5")
        await key_press(pilot, "escape")
        assert isinstance(app.screen, OptionsScreen)
        await pilot.resize_terminal(size[0] - 1, size[1])
        assert isinstance(app.screen, OptionsScreen)


async def test_the_filter_survives_new_rows_other_screens_and_the_detail() -> None:
    app = application()
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, ("slash", *"2001", "enter"))
        before = app.moment
        app.look_now()
        await until(pilot, lambda: app.moment is not before)
        await press(pilot, ("2", "@/usr/bin/server", "1", "enter", "escape"))
        assert _rows(app).rows.filter_text == "2001"
        assert [row.cells[0] for row in _rows(app).rows._rows] == ["CLOSW"]
        await key_press(pilot, "escape")
        assert _rows(app).rows.filter_text == ""


async def test_a_paused_display_stands_still_while_looking_goes_on() -> None:
    looks = []

    def look() -> Evidence:
        looks.append(1)
        return evidence()

    app = application(look)
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, ("space", "@paused"))
        shown, before = app.moment, len(looks)
        while len(looks) < before + 2:
            app.look_now()
            await pilot.pause(0.02)
        await pilot.pause()
        assert app.moment is shown
        await press(pilot, ("space", "@live"))
        assert app.moment is not shown


async def test_a_held_operation_goes_on_and_ends_in_its_report() -> None:
    operation = ScriptedOperation(held(), finished())
    app = application(operation=operation)
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, (*DUMP_KEYS, "c", "@proved to go on", "@restores it now"))
        assert operation.asked == ["proceed"]


async def test_a_held_operation_is_turned_back() -> None:
    operation = ScriptedOperation(held(), finished())
    app = application(operation=operation)
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, (*DUMP_KEYS, "b", "@turned back after"))
        assert operation.asked == ["turn back"]


async def test_a_restore_that_was_turned_back_can_be_repeated() -> None:
    request = RestoreRequest("/var/lib/images")
    plan = dump_plan(kind="restore", request=request)
    app = application()
    async with app.run_test() as pilot:
        app.session = Session(plan, ScriptedOperation(held(), finished()))
        app.publish(replace(finished(), plan=plan, outcome=Outcome.TURNED_BACK, proofs=()))
        await press(pilot, ("o", "@restores it after all", "r", "@Restore from /var/lib/images"))


async def test_a_lock_that_is_not_there_is_not_spoken_of() -> None:
    app = application(operation=ScriptedOperation(held(), replace(finished(), locks=())))
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, (*DUMP_KEYS, "c", "@restores it now"))
        assert not any("wait behind the lock" in line for line in screen_lines(app))


async def test_the_space_bar_keeps_the_answer_that_was_chosen() -> None:
    app = application()
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, ("d", "@Network lock", "right", "space"))
        assert app.screen.query_one("#choice-lock", ChoiceLine).chosen == {"iptables"}


async def test_nothing_stands_over_what_is_to_be_typed() -> None:
    app = application()
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        app.notify("The lab connection is up", timeout=60)
        await says(pilot, "The lab connection is up")
        await press(pilot, ("d", "@Network lock", "enter", "@type the pid 4645 and press Enter"))


async def test_nothing_is_done_without_the_right_pid() -> None:
    operation = ScriptedOperation(held(), finished())
    app = application(operation=operation)
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("d", "@Network lock", "enter", "@Nothing has been done", *"4646", "enter"))
        await says(pilot, "That is not 4645")
        assert app.session is None
        await press(pilot, (*"4645", "enter", "@HELD"))
        assert not any("That is not" in line for line in screen_lines(app))


async def test_q_does_not_leave_an_operation_alone() -> None:
    app = application()
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, (*DUMP_KEYS, "q", "@is under way"))
        assert app.is_running
        await press(pilot, ("c", "@proved to go on", "q"))
        assert app.return_code == 0


async def test_a_gap_stands_in_the_place_of_the_table() -> None:
    gap = Gap("sockets", "sock_diag is not permitted here", "run as root")
    app = application(lambda: evidence(sockets=gap))
    async with app.run_test() as pilot:
        await says(pilot, "Not known: sock_diag is not permitted here")
        await says(pilot, "run as root")


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_acts_on_no_screen(size: tuple[int, int]) -> None:
    app = application(hostile_evidence, judge=lambda _: judgement(HOSTILE))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.moment is not None)
        for key in ("1", "2", "3", "4", "6", "question_mark"):
            await key_press(pilot, key)
            await says(pilot, "\\x1b]52" if key in "12346" else "What is wrong")
            assert all(letter.isprintable() for letter in "".join(screen_lines(app)))


@pytest.mark.parametrize("size", SIZES)
async def test_an_operation_with_hostile_text_is_drawn(size: tuple[int, int]) -> None:
    progress = replace(held(), error=HOSTILE, plan=replace(held().plan, title=HOSTILE, command_name=HOSTILE))
    app = application(operation=ScriptedOperation(progress, replace(finished(), plan=progress.plan, error=HOSTILE)))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.moment is not None)
        await press(pilot, (*DUMP_KEYS, "l", "l", "c", "@\\x1b]52"))
        assert all(letter.isprintable() for letter in "".join(screen_lines(app)))


class _Lab:
    server_pid = 4687

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


async def test_the_lab_is_started_shown_and_ended_by_one_key() -> None:
    lab = _Lab()
    app = application()
    app.operations = Operations(start_lab=lambda _: lab)
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("slash", *"2001", "enter", "3", "L", "@lab connection is up"))
        row = _rows(app).rows.cursor_row
        assert row is not None
        assert "client" in row.cells[-1]
        await press(pilot, ("L", "@has ended"))
        assert lab.closed


async def test_a_lab_that_comes_up_closes_nothing_that_stands_over_the_screen() -> None:
    app = application()
    lab, started = _Lab(), Event()
    app.operations = Operations(start_lab=lambda _: (started.wait(20), lab)[1])
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("L", "d", "@Network lock"))
        started.set()
        await says(pilot, "lab connection is up")
        assert isinstance(app.screen, OptionsScreen)


async def test_a_click_on_a_heading_sorts_and_one_on_a_row_moves_the_cursor() -> None:
    app = application()
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await pilot.click("#rows", offset=(4, 0))
        assert _rows(app).rows.sorting.column == "state"
        await pilot.click("#rows", offset=(10, 3))
        row = _rows(app).rows.cursor_row
        assert row is _rows(app).rows._rows[2]


async def test_a_click_on_a_tab_leads_to_its_screen() -> None:
    app = application()
    async with app.run_test() as pilot:
        await pilot.click("TabBar", offset=(12, 0))
        assert app.current_mode == "processes"


async def test_what_was_copied_is_also_in_a_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    app = application()
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("y", "@Copied"))
        assert "snd_una 2256392420" in app.clipboard
        assert (tmp_path / "workbench-copy.txt").read_text() == app.clipboard + "\n"


async def test_what_needs_a_holder_says_whether_there_is_none_or_none_is_known() -> None:
    shown = (socket(1, CONNECTION.local, CONNECTION.peer, TcpState.ESTABLISHED, inode=7),)
    app = application(lambda: evidence(sockets=shown))
    async with app.run_test(notifications=True) as pilot:
        for inode, told in ((7, "who holds this socket is not known"), (0, "no process holds this socket")):
            shown = (socket(1, CONNECTION.local, CONNECTION.peer, TcpState.ESTABLISHED, inode=inode),)
            app.look_now()
            await says(pilot, "no process" if inode == 0 else "holder not known")
            for key in ("d", "h", "q"):
                app.clear_notifications()
                await press(pilot, (key,))
                await says(pilot, told)


async def test_an_interrupted_operation_is_told_at_the_start_and_put_right_on_yes() -> None:
    left = UnfinishedOperation("x", "dump", 0.0, "locked", 4645, "server", 1, "/img", (), False, False)
    done: list[str] = []

    def recover() -> list[str]:
        done.append("yes")
        return ["the lock is lifted"]

    app = application(lambda: evidence(unfinished=(left,)))
    app.operations = Operations(
        unfinished=lambda: ["dump of server 4645", f"  - lifts the lock {HOSTILE}"],
        recover=recover,
    )
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "1 operation is unfinished")
        await says(pilot, "1 unfinished")
        await press(pilot, ("u", "@lifts the lock"))
        assert not any("1 operation is unfinished" in line for line in screen_lines(app))
        await press(pilot, (*"no", "enter", "@nothing was done"))
        assert not done
        await press(pilot, (*"yes", "enter", "@the lock is lifted"))
        assert done == ["yes"]


async def test_a_lock_is_removed_after_its_plan_was_confirmed() -> None:
    removed: list[RemovalPlan] = []

    def remove(plan: RemovalPlan) -> list[str]:
        removed.append(plan)
        return ["Removed: CRIU-6f1c"]

    app = application()
    app.operations = Operations(plan_removal=lambda lock: plan_removal(evidence()), remove=remove)
    async with app.run_test(notifications=True) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("3", "@--dport 22", "x", "@Remove 1 lock", *"remove", "enter", "@Removed: CRIU-6f1c"))
        assert [lock.name for lock in removed[0].locks] == ["CRIU-6f1c2d3e-0000-4000-80"]
        await press(pilot, ("escape", "end"))
        assert "remove lock" not in screen_lines(app)[-1]


async def test_an_image_directory_elsewhere_is_added() -> None:
    added: list[str] = []
    app = application()
    app.operations = Operations(add_images=added.append)
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, ("4", "@images/server", "a", "@Image directory", *"/srv/x", "enter"))
        await until(pilot, lambda: added == ["/srv/x"])
