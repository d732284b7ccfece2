"""What is asked before the plan of a dump or a restore: every answer has a sensible default, Enter goes on."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from workbench.operation.request import DumpRequest, RestoreRequest
from workbench.present.line import Tone, line
from workbench.present.options import Answers, Choice
from workbench.present.text import printable
from workbench.tui.screens.form import BACK, KEYS, FormScreen
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView

Request = DumpRequest | RestoreRequest
MakeRequest = Callable[[str, Answers], Request]


class OptionsScreen(FormScreen[Request]):
    """Answers the request, or None."""

    AUTO_FOCUS = "ChoiceLine"

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
            yield LineView(lambda _: [line(*KEYS, ("space", Tone.STRONG), " marks   ", *BACK)], id="options-keys")

    def action_submit(self) -> None:
        answers = {each.choice.key: each.chosen for each in self.query(ChoiceLine)}
        images = self.query_one("#images", Input).value.strip() if self._ask else self._images
        if images:
            self.dismiss(self._make(images, answers))
