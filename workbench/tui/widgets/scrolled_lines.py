"""Lines that scroll by the keys of all texts."""

from typing import ClassVar

from textual.binding import BindingType
from textual.scroll_view import ScrollView

from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.toned import TONES, Toned


class ScrolledLines(ScrollView, Toned, can_focus=True, inherit_bindings=False):
    """What is drawn is up to those that derive from it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.LINES)
    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONES}

    def action_line_down(self) -> None:
        self._scroll(self.scroll_offset.y + 1)

    def action_line_up(self) -> None:
        self._scroll(self.scroll_offset.y - 1)

    def action_page_down(self) -> None:
        self._scroll(self.scroll_offset.y + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        self._scroll(self.scroll_offset.y - max(self.size.height - 1, 1))

    def action_first(self) -> None:
        self._scroll(0)

    def action_last(self) -> None:
        self._scroll(self.max_scroll_y)

    def _scroll(self, y: float) -> None:
        self.scroll_to(y=y, animate=False, immediate=True)
