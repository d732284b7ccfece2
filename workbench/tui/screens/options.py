"""What is asked before a plan is made: every answer has a sensible default, Enter goes on."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Generic

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from workbench.present.line import Tone, line
from workbench.present.options import Answers, Choice
from workbench.present.text import printable
from workbench.tui.screens.dialog import Answer
from workbench.tui.screens.form import KEYS, FormScreen
from workbench.tui.widgets.choice import ChoiceLine
from workbench.tui.widgets.line_view import LineView


class OptionsScreen(FormScreen[Answer], Generic[Answer]):
    """Answers the request, or None."""

    AUTO_FOCUS = "ChoiceLine"
    FIELDS: ClassVar[Mapping[str, str]] = {"images": "A directory that is empty, or that is made for them."}

    def __init__(
        self, title: str, choices: tuple[Choice, ...], images: str | None, make: Callable[[str, Answers], Answer],
        *, ask: bool,
    ) -> None:  # fmt: skip
        """``ask``: whether the image directory can be changed, if there is one; ``make`` makes the request."""
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
            if self._images is not None:
                yield LineView(lambda _: [line((" Images in", Tone.DIM))], id="images-label")
                yield Input(value=printable(self._images), compact=True, id="images", disabled=not self._ask)
            yield LineView(id="meaning")
            marks = (("   space", Tone.STRONG), " marks") if any(each.several for each in self._choices) else ()
            yield LineView(lambda _: [line(*KEYS, *marks)], id="options-keys")

    def action_submit(self) -> None:
        answers = {each.choice.key: each.chosen for each in self.query(ChoiceLine)}
        images = self.query_one("#images", Input).value.strip() if self._ask else self._images or ""
        if images or self._images is None:
            self.dismiss(self._make(images, answers))
