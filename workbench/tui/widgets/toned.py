"""Drawing lines of present: each tone becomes a style of the stylesheet, and no text is ever parsed."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from workbench.present.line import NO_BREAK, Line, Tone

TONES = frozenset(f"tone--{tone.value}" for tone in Tone)
"""Component classes of all tones; Textual looks for them along the first base class only."""


class Toned(Widget):
    """A widget that draws lines of present itself, cell by cell."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONES}

    def tone_style(self, tone: Tone) -> Style:
        """Style of a tone in this widget; background included."""
        if tone is Tone.NORMAL:
            return self.rich_style
        return self.rich_style + self.get_component_rich_style(f"tone--{tone.value}", partial=True)

    def toned_strip(self, pieces: Line, width: int, over: Style | None = None) -> Strip:
        """A line in exactly ``width`` cells; ``over`` is laid over every piece (the cursor)."""
        base = self.rich_style + over if over else self.rich_style
        segments = [
            Segment(text.replace(NO_BREAK, " "), self.tone_style(tone) + over if over else self.tone_style(tone))
            for text, tone in pieces
        ]
        return Strip(segments).adjust_cell_length(width, base)
