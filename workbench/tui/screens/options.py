"""What is asked before a plan is made: every answer has a sensible default, Enter goes on."""

from collections.abc import Callable
from typing import Generic

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from workbench.present.line import Tone, line
from workbench.present.options import Answers, Choice, Field
from workbench.present.text import printable
from workbench.tui.screens.dialog import Answer
from workbench.tui.screens.form import KEYS, FormScreen
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView


class OptionsScreen(FormScreen[Answer], Generic[Answer]):
    """Choices, and one line of text where ``field`` says so."""

    AUTO_FOCUS = "ChoiceLine"

    def __init__(
        self, title: str, choices: tuple[Choice, ...], field: Field | None, make: Callable[[str, Answers], Answer]
    ) -> None:
        """``make`` makes the answer of the text, empty without a field, and what was chosen."""
        super().__init__({"field": field.meaning} if field else {})
        self._title = title
        self._choices = choices
        self._field = field
        self._make = make

    def compose(self) -> ComposeResult:
        with Vertical(id="options"):
            yield LineView(lambda _: [line((printable(self._title), Tone.STRONG))], id="options-title")
            for choice in self._choices:
                yield ChoiceLine(choice)
            if self._field is not None:
                label = line((f" {self._field.label}", Tone.DIM))
                yield LineView(lambda _: [label], id="field-label")
                yield Input(value=printable(self._field.value), compact=True, id="field")
            yield LineView(id="meaning")
            marks = (("   space", Tone.STRONG), " marks") if any(each.several for each in self._choices) else ()
            yield LineView(lambda _: [line(*KEYS, *marks)], id="options-keys")

    def action_submit(self) -> None:
        answers = {each.choice.key: each.chosen for each in self.query(ChoiceLine)}
        text = self.query_one("#field", Input).value.strip() if self._field is not None else ""
        if text or self._field is None:
            self.give(self._make(text, answers))
        else:
            self.ask_for("#field", self._field.label)
