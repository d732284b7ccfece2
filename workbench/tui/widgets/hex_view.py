"""The queues of a socket, byte by byte; only the lines in sight are made, so that a queue may be megabytes long."""

from collections.abc import Sequence
from itertools import islice

from textual.geometry import Size
from textual.strip import Strip

from workbench.evidence.queues import QueuePart, SocketQueues
from workbench.present.line import Line, line, wrapped
from workbench.present.queue_view import Form, Found, guess_line, hex_lines, part_title, summary_lines
from workbench.tui.widgets.scrolled_lines import ScrolledLines


class HexView(ScrolledLines):
    """Summary, then each part under its title."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._queues: SocketQueues | None = None
        self._found: Sequence[Found] = ()
        self._form = Form.fitting(80)
        self._blocks: list[tuple[int, Sequence[Line], QueuePart | None]] = []
        """Where each block begins; its lines, or the part that they are made of."""

    def show(self, queues: SocketQueues, found: Sequence[Found] = ()) -> None:
        """New contents, or new places that were found in them."""
        self._queues, self._found = queues, found
        self._arrange()

    def go_to(self, place: Found) -> None:
        """Bring it into sight."""
        for start, _, part in self._blocks:
            if part is not None and part.name is place.part:
                row = start + place.start // self._form.each
                self.scroll_to(y=max(row - self.size.height // 3, 0), animate=False, immediate=True)

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        width = self.scrollable_content_region.width
        if self._queues is None or not width:
            return
        self._form = Form.fitting(width)
        self._blocks = []
        height = 0

        def add(lines: Sequence[Line], part: QueuePart | None = None) -> None:
            nonlocal height
            self._blocks.append((height, lines, part))
            height += len(lines) if part is None else -(-len(part.content) // self._form.each)

        add(list(wrapped(summary_lines(self._queues), width)))
        for part in self._queues.parts:
            guess = guess_line(part)
            add([line(), *wrapped([part_title(part), *([guess] if guess else [])], width)])
            add((), part)
        self.virtual_size = Size(width, height)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return self.toned_strip(self._line(self.scroll_offset.y + y), self.size.width)

    def _line(self, row: int) -> Line:
        for start, lines, part in reversed(self._blocks):
            if row < start:
                continue
            if part is None:
                return lines[row - start] if row - start < len(lines) else ()
            place = (row - start) * self._form.each
            if place >= len(part.content):
                return ()
            near = [one for one in self._found if one.start < place + self._form.each and one.end > place]
            return next(islice(hex_lines(part, place, place + 1, self._form, near), 1), ())
        return ()
