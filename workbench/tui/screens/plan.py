"""The plan in full, and the typed confirmation."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer, Input

from workbench.operation.plan import Plan
from workbench.present.line import Line, Tone, line
from workbench.present.plan import plan_lines, plan_text
from workbench.present.text import printable
from workbench.tui.clipboard import copy_text
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.line_view import LineView


class PlanScreen(ModalScreen[bool]):
    """Answers whether the plan was confirmed."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.PLAN)

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def compose(self) -> ComposeResult:
        yield LineView(lambda _: plan_text(self._plan), id="plan")
        yield LineView(self._request, id="plan-request")
        if not self._plan.obstacles:
            yield Input(placeholder=f"type {self._plan.confirmation} and Enter", compact=True, id="confirm")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#plan-request", LineView).can_focus = False

    def _request(self, _: int) -> list[Line]:
        if self._plan.obstacles:
            return [line(("It cannot be done as things are; see on top what is in the way.", Tone.BAD))]
        word = printable(self._plan.confirmation)
        doing = "dump" if self._plan.kind == "dump" else "restore"
        return [
            line("Nothing has been done yet. To ", doing, ", type the pid ", (word, Tone.STRONG), " and press Enter.")
        ]

    @property
    def _view(self) -> LineView:
        return self.query_one("#plan", LineView)

    def action_line_down(self) -> None:
        self._view.action_line_down()

    def action_line_up(self) -> None:
        self._view.action_line_up()

    def action_page_down(self) -> None:
        self._view.action_page_down()

    def action_page_up(self) -> None:
        self._view.action_page_up()

    @on(Input.Submitted, "#confirm")
    def _confirm(self, message: Input.Submitted) -> None:
        if message.value.strip() == self._plan.confirmation:
            self.dismiss(True)
        elif message.value.strip():
            self.notify(f"That is not {self._plan.confirmation}: nothing was done.", severity="warning", markup=False)
            message.input.value = ""

    def action_copy_plan(self) -> None:
        copy_text(self.app, "\n".join(plan_lines(self._plan)))

    def action_cancel(self) -> None:
        self.dismiss(False)
