"""The lines at the top: who and how fresh, which screen, which filter."""

from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip

from workbench.present.line import Line, Piece, Tone, plain
from workbench.present.text import printable
from workbench.tui.widgets.toned import Toned


class HeaderBar(Toned):
    """One line: host, kernel, CRIU, unfinished operations, freshness."""

    def __init__(self, text: Callable[[int], Line]) -> None:
        """``text`` makes the line for a width."""
        super().__init__()
        self._text = text

    def render_line(self, y: int) -> Strip:
        return self.toned_strip(self._text(self.size.width) if y == 0 else (), self.size.width)


class TabBar(Toned):
    """The screens by number; a click leads there."""

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        screen: str

    def __init__(self, current: str, names: tuple[tuple[str, str, str, str], ...]) -> None:
        """``names``: key, mode, title and short title of each screen."""
        super().__init__()
        self._current = current
        self._names = names

    def _pieces(self) -> list[tuple[str, Piece]]:
        short = sum(len(f" {key} {title} ") for key, _, title, _ in self._names) > self.size.width + 1
        return [
            (mode, (f" {key} {brief if short else title} ", Tone.HEADING if mode == self._current else Tone.DIM))
            for key, mode, title, brief in self._names
        ]

    def render_line(self, y: int) -> Strip:
        pieces: Line = tuple(piece for _, piece in self._pieces()) if y == 0 else ()
        return self.toned_strip(pieces, self.size.width)

    def on_click(self, event: events.Click) -> None:
        start = 0
        for mode, (text, _) in self._pieces():
            start += len(text)
            if event.x < start:
                self.post_message(self.Chosen(mode))
                return


class FilterBar(Toned):
    """The filter that is in force, and how many rows it lets through; not there without a filter."""

    def __init__(self) -> None:
        super().__init__(id="filter-bar")
        self._pieces: Line = ()

    def show(self, text: str, shown: int, total: int) -> None:
        self.display = bool(text)
        self._pieces = (
            (f" /{printable(text)}", Tone.STRONG),
            (f"   {shown} of {total}   / changes it, escape clears it", Tone.DIM),
        )
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return self.toned_strip(self._pieces, self.size.width)

    def as_text(self) -> str:
        return plain(self._pieces)


class TimelineBar(Toned):
    """Since when is recorded, what the list is narrowed to, what is missing."""

    def __init__(self) -> None:
        super().__init__(id="timeline-bar")
        self._pieces: Line = ()

    def show(self, pieces: Line) -> None:
        if pieces != self._pieces:
            self._pieces = pieces
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return self.toned_strip(self._pieces, self.size.width)
