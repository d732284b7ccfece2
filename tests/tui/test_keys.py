"""Every key of the one table of actions, pressed where it is said to work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.widget import Widget
from textual.widgets import Input

from tests.tui.screens import application, key_press, press, says
from workbench.tui.app import WorkbenchApp
from workbench.tui.keys import ACTIONS, Action, Where
from workbench.tui.screens.ask import AskScreen
from workbench.tui.screens.checkpoints import CheckpointsScreen
from workbench.tui.screens.choose import ChooseScreen
from workbench.tui.screens.confirm import ConfirmScreen
from workbench.tui.screens.connections import ConnectionsScreen
from workbench.tui.screens.dialog import Dialog
from workbench.tui.screens.findings import FindingsScreen
from workbench.tui.screens.help import TextScreen
from workbench.tui.screens.netfilter import NetfilterScreen
from workbench.tui.screens.operation import OperationScreen
from workbench.tui.screens.options import OptionsScreen
from workbench.tui.screens.packets import PacketsScreen
from workbench.tui.screens.processes import ProcessesScreen
from workbench.tui.screens.queues import QueuesScreen
from workbench.tui.screens.table import TableScreen
from workbench.tui.screens.timeline import TimelineScreen
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.row_view import RowView

PLACES: dict[Where, tuple[type[Any], tuple[str, ...]]] = {
    Where.EVERYWHERE: (WorkbenchApp, ("2", "@/usr/bin/server")),
    Where.RECORDING: (WorkbenchApp, ()),
    Where.TABLE: (TableScreen, ()),
    Where.ROWS: (RowView, ()),
    Where.LINES: (LineView, ("tab",)),
    Where.TARGETS: (ConnectionsScreen, ()),
    Where.CONNECTIONS: (ConnectionsScreen, ()),
    Where.PROCESSES: (ProcessesScreen, ("2", "@server")),
    Where.CHECKPOINTS: (CheckpointsScreen, ("4", "@images/server")),
    Where.LOCKS: (NetfilterScreen, ("3", "@--dport 22")),
    Where.TIMELINE: (TimelineScreen, ("5", "@reset sent")),
    Where.FINDINGS: (FindingsScreen, ("6", "@NFT002")),
    Where.QUESTION: (AskScreen, ("4", "@images/server", "a", "@Image directory")),
    Where.CHOICE: (ChooseScreen, ("S", "@Which scenario")),
    Where.OPERATION: (OperationScreen, ("d", "@Network", "enter", "@Nothing", *"4645", "enter", "@HELD")),
    Where.OPTIONS: (OptionsScreen, ("d", "@Network lock")),
    Where.ANSWERS: (ChoiceLine, ("d", "@Network lock")),
    Where.PLAN: (ConfirmScreen, ("d", "@Network lock", "enter", "@Nothing has been done")),
    Where.QUEUES: (QueuesScreen, ("q", "@GET / HTTP/1.1")),
    Where.PACKETS: (PacketsScreen, ("p", "@retransmission")),
    Where.TEXT: (TextScreen, ("m", "@What stands here")),
    Where.DIALOG: (OptionsScreen, ("d", "@Network lock")),
}
"""Whose action it is, and the keys that lead there."""


def test_every_action_has_its_own_id_and_says_what_it_does() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    assert all(action.label and action.help.endswith(".") for action in ACTIONS)


def test_no_footer_holds_more_than_fits() -> None:
    everywhere = sum(action.footer for action in ACTIONS if action.where is Where.EVERYWHERE)
    connections = {Where.TARGETS, Where.CONNECTIONS, Where.LOCKS}
    places = (connections, {Where.CHECKPOINTS}, {Where.FINDINGS, Where.LOCKS}, {Where.TIMELINE})
    for place in places:
        shown = (action.footer for action in ACTIONS if action.where in {Where.TABLE, Where.ROWS, *place})
        assert everywhere + sum(shown) <= 7


@pytest.mark.parametrize("where", Where)
async def test_every_key_does_what_it_is_said_to_do(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, way = PLACES[where]
    called: list[str] = []

    def record(action: Action) -> Callable[[Widget], None]:
        return lambda _: called.append(action.name)

    actions = [action for action in ACTIONS if action.where is where]
    app = application()
    async with app.run_test(size=(100, 40)) as pilot:
        await says(pilot, "56692")
        await press(pilot, way)
        if where is Where.OPERATION:
            monkeypatch.setattr(OperationScreen, "check_action", lambda *_: True)
        if where is Where.QUEUES:
            monkeypatch.setattr(QueuesScreen, "check_action", lambda *_: True)
        if where is Where.RECORDING:
            monkeypatch.setattr(WorkbenchApp, "check_action", lambda *_: True)
        for action in actions:
            monkeypatch.setattr(owner, f"action_{action.name}", record(action))
        for action in actions:
            keys = action.keys.split(",")
            called.clear()
            await key_press(pilot, *keys)
            assert called == [action.name] * len(keys), f"{action.keys} in {where.value}"


async def test_dialogs_tell_their_keys() -> None:
    app = application()
    async with app.run_test(size=(100, 60)) as pilot:
        await says(pilot, "56692")
        await press(pilot, ("d", "@Network lock", "question_mark", "@Two rules a connection", "@In every dialog"))
        assert isinstance(app.screen, TextScreen)
        await press(pilot, ("question_mark",))
        assert isinstance(app.screen, OptionsScreen), "the same key closes it"
        await press(pilot, ("enter", "@Nothing has been done", "question_mark", "f1", "@In every dialog", "f1"))
        assert isinstance(app.screen, ConfirmScreen)
        assert app.screen.query_one(Input).value == "?", "in a field it is a letter"


def test_every_dialog_says_whose_keys_work_in_it() -> None:
    assert {each.__name__ for each in _below(Dialog) if not each.PLACES} == set()


def _below(parent: type[Dialog[Any]]) -> Iterator[type[Dialog[Any]]]:
    for each in parent.__subclasses__():
        yield each
        yield from _below(each)
