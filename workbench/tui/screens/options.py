"""What is asked before the plan of a dump or a restore: every answer has a sensible default, Enter goes on."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from workbench.operation.request import DumpRequest, RestoreRequest
from workbench.present.line import Tone, line
from workbench.present.options import Answers, Choice
from workbench.present.text import printable
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView

Request = DumpRequest | RestoreRequest
MakeRequest = Callable[[str, Answers], Request]


class OptionsScreen(ModalScreen[Request | None]):
    """Answers the request, or None."""

    AUTO_FOCUS = "ChoiceLine"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.OPTIONS)

    def __init__(self, title: str, choices: tuple[Choice, ...], images: str, make: MakeRequest, *, ask: bool) -> None:
        """``ask``: whether the image directory can be changed; ``make`` makes the request of it and the answers."""
        super().__init__()
        self._title = title
        self._choices = choices
        self._images = images
        self._make = make
        self._ask = ask

    def compose(self) -> ComposeResult:
        with Vertical(id="options"):
            yield LineView(lambda _: [line((printable(self._title), Tone.STRONG))], id="options-title")
            for choice in self._choices:
                yield ChoiceLine(choice)
            yield LineView(lambda _: [line((" Images in", Tone.DIM))], id="images-label")
            yield Input(value=printable(self._images), compact=True, id="images", disabled=not self._ask)
            yield LineView(id="meaning")
            yield LineView(
                lambda _: [
                    line(
                        ("Enter", Tone.STRONG),
                        " shows the plan   ",
                        ("arrows", Tone.STRONG),
                        " choose   ",
                        ("space", Tone.STRONG),
                        " marks   ",
                        ("Esc", Tone.STRONG),
                        " back",
                    )
                ],
                id="options-keys",
            )

    def on_mount(self) -> None:
        for view in self.query(LineView):
            view.can_focus = False

    @on(ChoiceLine.Looked)
    def _explain(self, message: ChoiceLine.Looked) -> None:
        self.query_one("#meaning", LineView).show(lambda _: [line((f" {message.meaning}", Tone.NORMAL))])

    def action_submit(self) -> None:
        answers = {each.choice.key: each.chosen for each in self.query(ChoiceLine)}
        images = self.query_one("#images", Input).value.strip() if self._ask else self._images
        if images:
            self.dismiss(self._make(images, answers))

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_next_question(self) -> None:
        self.focus_next()

    def action_previous_question(self) -> None:
        self.focus_previous()
