"""Keys that arrive together."""

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from tests.tui.screens import application
from workbench.tui.screens.connections import ConnectionsScreen

NAMED = {"/": "slash", "\x7f": "backspace", "\r": "enter"}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("/serv", "serv"), ("/serc\x7fv", "serv"), ("/dump\x7f\x7f\x7f\x7fserv\r", "serv"), ("/serv\r/lab", "lab")],
)
async def test_what_is_typed_in_one_go_is_taken_in_order(typed: str, expected: str) -> None:
    app = application()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for character in typed:
            app.post_message(Key(NAMED.get(character, character), character))
        field = app.screen.query_one("#filter", Input)
        for _ in range(200):
            await pilot.pause()
            if field.value == expected:
                break
        assert field.value == expected
        assert type(app.screen) is ConnectionsScreen


async def test_what_is_pasted_after_a_key_waits_for_it() -> None:
    app = application()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.post_message(Key("slash", "/"))
        app.post_message(Paste("serv"))
        field = app.screen.query_one("#filter", Input)
        for _ in range(200):
            await pilot.pause()
            if field.value:
                break
        assert field.value == "serv"
