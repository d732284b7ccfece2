"""Questions that are answered before a plan is made: what the screens of dump, restore and hand-off have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic

from textual import on
from textual.binding import BindingType
from textual.events import DescendantFocus
from textual.widgets import Input

from workbench.present.line import Line, Tone, heading, line
from workbench.present.text import printable
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.dialog import Answer, Dialog
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView

KEYS = (
    ("Enter", Tone.STRONG), " shows the plan   ", ("Esc", Tone.STRONG), " back   ", ("F1", Tone.STRONG), " help   ",
    ("arrows", Tone.STRONG), " choose",
)  # fmt: skip
"""The most important first: what does not fit is cut off."""


class FormScreen(Dialog[None], Generic[Answer]):
    """Gives an answer and stays, so that it can be changed; ``#meaning`` says what the one under the cursor means."""

    PLACES = (Where.OPTIONS, Where.ANSWERS)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.OPTIONS)

    def __init__(self, fields: Mapping[str, str]) -> None:
        """``fields``: what is typed into each, by its id."""
        super().__init__()
        self._fields = fields
        self.given: Callable[[Answer], object] = lambda _: None
        """Called with each answer."""
        self._waiting = False

    def give(self, answer: Answer) -> None:
        """Not twice before something has come of it."""
        if not self._waiting:
            self._waiting = True
            self.say(line((" Looking closely, to make the plan ...", Tone.MOVING)))
            self.given(answer)

    def again(self) -> None:
        """Nothing came of the answer, or its plan was left: another one may be given."""
        if self._waiting:
            self._waiting = False
            self.say(line())

    def on_screen_resume(self) -> None:
        self.again()

    def ask_for(self, field: str, what: str) -> None:
        """It cannot be empty."""
        self.notify(f"{what}: say it.", severity="warning", markup=False, timeout=3)
        self.query_one(field, Input).focus()

    def on_mount(self) -> None:
        self.app.clear_notifications()  # they would stand over what is asked
        for view in self.query(LineView):
            view.can_focus = False

    def about(self) -> Sequence[Line]:
        """Every answer with its meaning."""
        lines = []
        for each in self.query(ChoiceLine):
            lines.append(heading(each.choice.title))
            lines += [
                line(f"  {printable(label)}: ", (printable(meaning), Tone.DIM))
                for _, label, meaning in each.choice.answers
            ]
        return lines

    @on(ChoiceLine.Looked)
    def _explain(self, message: ChoiceLine.Looked) -> None:
        self.say(line((f" {message.meaning}", Tone.NORMAL)))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            self.say(line((f" {self._fields.get(event.widget.id or '', '')}", Tone.NORMAL)))

    def say(self, meaning: Line) -> None:
        self.query_one("#meaning", LineView).show(lambda _: [meaning])

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_next_question(self) -> None:
        self.focus_next()

    def action_previous_question(self) -> None:
        self.focus_previous()
