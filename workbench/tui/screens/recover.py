"""What interrupted operations have left on the host, and putting it right."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.present.line import Line, Tone, line
from workbench.present.text import printable
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.help import TextScreen


class RecoverScreen(TextScreen):
    """Says what would be done; Enter does it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.RECOVER)

    def __init__(self, found: Sequence[str], recover: Callable[[], None]) -> None:
        super().__init__(_lines(found))
        self._any = bool(found)
        self._recover = recover

    def action_recover_now(self) -> None:
        self.dismiss(None)
        if self._any:
            self._recover()


def _lines(found: Sequence[str]) -> list[Line]:
    lines = [line(("Unfinished operations", Tone.STRONG)), line()]
    if not found:
        return [*lines, line("None: no operation was interrupted."), line(), line(("Escape closes this.", Tone.DIM))]
    lines += [line(f"  - {printable(each)}") for each in found]
    return [*lines, line(), line(("Enter", Tone.STRONG), " does this.   ", ("Escape", Tone.STRONG), " leaves it.")]
