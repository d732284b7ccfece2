"""One line of text, asked for over the screen."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from workbench.present.line import Tone, line
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.line_view import LineView


class AskScreen(ModalScreen[str | None]):
    """Answers what was typed, or None."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.QUESTION)

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield LineView(lambda _: [line((self._question, Tone.STRONG))], id="question")
            yield Input(value=self._value, compact=True, id="answer")

    def on_mount(self) -> None:
        self.query_one("#question", LineView).can_focus = False

    @on(Input.Submitted, "#answer")
    def _answer(self, message: Input.Submitted) -> None:
        self.dismiss(message.value.strip() or None)

    def action_cancel(self) -> None:
        self.dismiss(None)
