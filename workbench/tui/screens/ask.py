"""One line of text, asked for over the screen."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from workbench.present.line import Line, Tone, line
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.line_view import LineView

_KEYS = (("Enter", Tone.STRONG), " goes on   ", ("Esc", Tone.STRONG), " back   ", ("F1", Tone.STRONG), " help")


class AskScreen(Dialog[str | None]):
    """Answers what was typed, or None."""

    AUTO_FOCUS = "Input"
    PLACES = (Where.QUESTION,)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.QUESTION)

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield LineView(lambda _: [line((self._question, Tone.STRONG))], id="question")
            yield Input(value=self._value, compact=True, id="answer")
            yield LineView(lambda _: [line(*_KEYS)], id="answer-keys")

    def on_mount(self) -> None:
        for view in self.query(LineView):
            view.can_focus = False

    def about(self) -> Sequence[Line]:
        return (line((self._question, Tone.STRONG)), line("Enter goes on with what stands in the field."))

    @on(Input.Submitted, "#answer")
    def _answer(self, message: Input.Submitted) -> None:
        self.dismiss(message.value.strip() or None)

    def action_cancel(self) -> None:
        self.dismiss(None)
