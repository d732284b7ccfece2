"""The cursor of a table stays with its row, whatever becomes of the others."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.sample import evidence
from tests.tui.screens import application, key_press, press, says, until
from workbench.evidence import Evidence, Gap
from workbench.present.table import Row
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.connections import ConnectionsScreen
from workbench.tui.screens.table import TableScreen


def _rows(app: WorkbenchApp) -> ConnectionsScreen:
    assert isinstance(app.screen, ConnectionsScreen)
    return app.screen


def _turning() -> Iterator[Evidence]:
    """The same sockets, each time in the opposite order and the cursor's row with another queue."""
    backward = False
    while True:
        found = evidence(locks=())
        assert not isinstance(found.sockets, Gap)
        sockets = [replace(each, netns=-each.netns if backward else each.netns) for each in found.sockets]
        keyed = [replace(each, netns=abs(each.netns)) for each in (sockets[::-1] if backward else sockets)]
        yield replace(found, sockets=tuple(replace(each, recv_q=int(backward)) for each in keyed))
        backward = not backward


async def test_the_cursor_stays_on_its_row_while_rows_change() -> None:
    moments = _turning()
    app = application(lambda: next(moments))
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, ("down", "s", "r"))  # by receive queue, which changes with every moment
        row = _rows(app).rows.cursor_row
        assert row is not None
        before = app.moment
        app.look_now()
        await until(pilot, lambda: app.moment is not before)
        after = _rows(app).rows.cursor_row
        assert after is not None
        assert after is not row
        assert after.key == row.key


@pytest.mark.parametrize("screen", ["connections", "processes"])
@pytest.mark.parametrize("moves", [False, True])
async def test_the_cursor_finds_what_was_gone_and_is_restored(screen: str, moves: bool) -> None:
    """A restored process has its pid, a restored connection both its ends; the kernel's own names are others."""
    shown = evidence(locks=())
    assert not isinstance(shown.sockets, Gap)
    assert not isinstance(shown.processes, Gap)
    pid, ends = 4645, next(each.connection for each in shown.sockets if "56692" in str(each.connection))
    others = {number: each for number, each in shown.processes.items() if number != pid}
    gone = replace(shown, processes=others, sockets=tuple(each for each in shown.sockets if each.connection != ends))
    restored = replace(
        shown,
        processes=others | {pid: replace(shown.processes[pid], start_time=1 << 40)},
        sockets=tuple(replace(each, cookie=each.cookie + 1000) for each in shown.sockets),
    )
    now = [shown]
    app = application(lambda: now[0])
    async with app.run_test() as pilot:
        await says(pilot, "56692")
        app.go_to(screen)
        await says(pilot, "4645")
        assert isinstance(app.screen, TableScreen)
        rows = app.screen.rows
        first = rows.cursor_row
        assert first is not None

        async def look(evidence: Evidence) -> Row:
            now[0] = evidence
            app.look_now()
            await until(pilot, lambda: app.moment is not None and app.moment.situation.evidence is evidence)
            row = rows.cursor_row
            assert row is not None
            return row

        assert (await look(gone)).key != first.key
        if moves:
            await key_press(pilot, "down")
        row = await look(restored)
        assert row.key != first.key, "it has been made anew"
        assert ((row.cells[0], row.cells[2]) == (first.cells[0], first.cells[2])) is not moves


async def test_a_lock_that_appears_is_under_the_cursor_until_it_is_moved() -> None:
    locked = evidence()
    assert not isinstance(locked.rules, Gap)
    free = evidence(rules=locked.rules[-2:], locks=())
    moments = [free]
    app = application(lambda: moments[-1])

    async def look(found: Evidence) -> str:
        """The LOCK cell of the row at the cursor once this evidence is shown."""
        moments.append(found)
        before = app.moment
        app.look_now()
        await until(pilot, lambda: app.moment is not before and app.moment is not None)
        assert isinstance(app.screen, TableScreen)
        row = app.screen.rows.cursor_row
        assert row is not None
        return row.cells[0].strip()

    async with app.run_test() as pilot:
        await says(pilot, "56692")
        await press(pilot, ("3", "@--dport 22"))
        assert await look(locked) == "LEAK"
        await press(pilot, ("end",))
        assert await look(free) == ""
        assert await look(locked) == ""
