"""Questions that are answered before a plan is made: what the screens of dump, restore and hand-off have in common."""

from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.binding import BindingType
from textual.screen import ModalScreen

from workbench.present.line import Line, Tone, line
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView

Answer = TypeVar("Answer")
KEYS = (("Enter", Tone.STRONG), " shows the plan   ", ("arrows", Tone.STRONG), " choose   ")
BACK = (("Esc", Tone.STRONG), " back")


class FormScreen(ModalScreen[Answer | None], Generic[Answer]):
    """Answers a request, or None; ``#meaning`` says what the answer under the cursor means."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.OPTIONS)

    def on_mount(self) -> None:
        for view in self.query(LineView):
            view.can_focus = False

    @on(ChoiceLine.Looked)
    def _explain(self, message: ChoiceLine.Looked) -> None:
        self.say(line((f" {message.meaning}", Tone.NORMAL)))

    def say(self, meaning: Line) -> None:
        self.query_one("#meaning", LineView).show(lambda _: [meaning])

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_next_question(self) -> None:
        self.focus_next()

    def action_previous_question(self) -> None:
        self.focus_previous()
