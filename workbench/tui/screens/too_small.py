"""What a terminal that is too small is told."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from workbench.present.line import Line, Tone, line
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.line_view import LineView

SMALLEST = Size(60, 16)
"""Cells with which every screen can still be used."""


def is_too_small(size: Size) -> bool:
    return size.width < SMALLEST.width or size.height < SMALLEST.height


class TooSmallScreen(ModalScreen[None]):
    """Over everything until the terminal is larger; escape shows what fits."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.TEXT)

    def compose(self) -> ComposeResult:
        yield LineView(lambda _: self._lines(), id="too-small")

    def _lines(self) -> list[Line]:
        has, needs = self.app.size, SMALLEST
        sentence = f"This terminal has {has.width}x{has.height} cells and needs {needs.width}x{needs.height}:"
        return [line((sentence, Tone.WARNING), " make it larger. Esc shows what fits.")]

    def action_close(self) -> None:
        self.dismiss(None)
