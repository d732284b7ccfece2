"""Where a connection is to go: asked before the plan of a hand-off."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from workbench.operation.handoff.plan import HandoffRequest
from workbench.present.handoff import ADDRESS, GOALS, WHERE, handoff_request
from workbench.present.line import Tone, line
from workbench.present.text import printable
from workbench.tui.screens.form import KEYS, FormScreen
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView

_FIELDS = {
    "where": "Up and down lead to the other lines; left and right change what stands there.",
    "netns": "As `ip netns` names it, or a path such as /proc/PID/ns/net; empty: the one that it is in.",
}
_NETNS = line((" Network namespace, a name or path; empty: the one that it is in", Tone.DIM))


class HandoffScreen(FormScreen[HandoffRequest]):
    """Gives the request in full."""

    AUTO_FOCUS = "#where"

    def __init__(self, title: str, request: HandoffRequest) -> None:
        """``request`` tells which connection, by its descriptor or its file."""
        super().__init__(_FIELDS)
        self._title, self._request = title, request

    def compose(self) -> ComposeResult:
        with Vertical(id="options"):
            yield LineView(lambda _: [line((printable(self._title), Tone.STRONG))], id="options-title")
            yield ChoiceLine(GOALS)
            yield LineView(lambda _: [line((f" {WHERE[self._goal]}", Tone.DIM))], id="where-label")
            yield Input(compact=True, id="where")
            yield LineView(lambda _: [_NETNS])
            yield Input(compact=True, id="netns")
            yield ChoiceLine(ADDRESS)
            yield LineView(id="meaning")
            yield LineView(lambda _: [line(*KEYS)])

    @property
    def _goal(self) -> str:
        (goal,) = self.query_one("#choice-goal", ChoiceLine).chosen
        return goal

    @on(ChoiceLine.Looked)
    def _label(self) -> None:
        label = line((f" {WHERE[self._goal]}", Tone.DIM))
        self.query_one("#where-label", LineView).show(lambda _: [label])

    def action_submit(self) -> None:
        where, netns = (self.query_one(name, Input).value.strip() for name in ("#where", "#netns"))
        if not where:
            self.ask_for("#where", WHERE[self._goal])
            return
        moves = "moves" in self.query_one("#choice-address", ChoiceLine).chosen
        self.give(handoff_request(self._request, self._goal, where, netns, move_address=moves))
