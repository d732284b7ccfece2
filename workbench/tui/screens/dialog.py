"""What everything that asks over a screen has in common: its keys can be asked for."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.screen import ModalScreen

from workbench.present.line import Line
from workbench.tui.keys import Where, bindings

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """F1 tells its keys; so does ``?`` wherever that is not typed into a field."""

    PLACES: ClassVar[tuple[Where, ...]] = ()
    """Whose keys work in it."""
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.DIALOG)

    def about(self) -> Sequence[Line]:
        """What is asked and what the answers mean; first in the help."""
        return ()

    def action_help(self) -> None:
        from workbench.tui.screens.help import TextScreen, dialog_help_lines

        self.app.push_screen(TextScreen(dialog_help_lines(self.about(), self.PLACES)))
