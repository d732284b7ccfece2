"""Lines of text that scroll; they are made anew for the width at hand."""

from collections.abc import Callable, Sequence

from textual.geometry import Size
from textual.strip import Strip

from workbench.present.line import Line, plain_lines, wrapped
from workbench.tui.widgets.scrolled_lines import ScrolledLines

Lines = Callable[[int], Sequence[Line]]
"""Makes lines for a width in cells; longer ones are wrapped."""


class LineView(ScrolledLines):
    """A text; new lines leave it where it was scrolled to, or at its end if it stood there and ``follow`` is set."""

    def __init__(self, lines: Lines | None = None, *, follow: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._make: Lines = lines or (lambda _: ())
        self._lines: list[Line] = []
        self._follow = follow
        self._at_end = True

    def show(self, lines: Lines) -> None:
        """New contents."""
        self._make = lines
        self._compose_lines()

    def as_text(self) -> str:
        """The text as it would be on a wide screen."""
        return "\n".join(plain_lines(self._make(100)))

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def on_resize(self) -> None:
        self._compose_lines()

    def _compose_lines(self) -> None:
        width = self.scrollable_content_region.width
        if not width:  # hidden: it must not come back with what it said before
            self._lines = []
            return
        lines = list(wrapped(self._make(width), width))
        if lines != self._lines:
            self._lines = lines
            self.virtual_size = Size(width, len(lines))
            self.refresh(layout=self.styles.is_auto_height)
        if self._follow and self._at_end:
            self.scroll_to(y=max(len(lines) - self.size.height, 0), animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._at_end = new_value >= self.max_scroll_y

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        return self.toned_strip(self._lines[place] if place < len(self._lines) else (), self.size.width)
