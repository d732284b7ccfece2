"""Checkpoints: which images are there, and what do they hold?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from workbench.evidence import Evidence, ImageDirectory, ImageSocket, not_collected
from workbench.evidence.comparison import compare
from workbench.evidence.queues import queues_of_image
from workbench.present.checkpoints import COLUMNS, checkpoint_detail, is_connection_file
from workbench.present.comparison import comparison_lines
from workbench.present.line import Line, Tone, line
from workbench.present.situation import Situation
from workbench.present.table import Row
from workbench.tui.beside import run_beside
from workbench.tui.journeys import offer_images
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.choose import ChooseScreen
from workbench.tui.screens.help import TextScreen
from workbench.tui.screens.queues import QueuesScreen
from workbench.tui.screens.table import TableScreen

_MARKED = "marked: c on another row compares the two, c here compares it with "


class CheckpointsScreen(TableScreen):
    """Image directories, the newest first."""

    MODE = "checkpoints"
    PURPOSE = "Which images are there, what do they hold, and would a restore work here, now?"
    COLUMNS = COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.CHECKPOINTS)

    def __init__(self) -> None:
        super().__init__()
        self._marked: ImageDirectory | None = None
        """What waits to be compared."""

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, ImageDirectory)
        marked = self._marked is not None and self._marked.path == row.subject.path
        said = [line((_MARKED + self._host, Tone.MOVING))] if marked else []
        return [*said, *checkpoint_detail(row.subject, situation)]

    @property
    def _host(self) -> str:
        """What the images can be compared with."""
        return "the recorded host" if self.workbench.is_recorded else "this host, now"

    def action_restore(self) -> None:
        row = self.rows.cursor_row
        if row is None or not isinstance(row.subject, ImageDirectory):
            return
        if is_connection_file(row.subject):
            self.workbench.guide.offer_handing_on(row.subject.path)
        else:
            offer_images(self.workbench, row.subject.path)

    def action_compare(self) -> None:
        """The first press marks a directory; the second compares it: with another, or on the same row with the host."""
        row, situation = self.rows.cursor_row, self._situation
        if row is None or situation is None or not isinstance(row.subject, ImageDirectory):
            return
        chosen, marked = row.subject, self._marked
        if marked is None:
            self._marked = chosen
            self.detail.show(lambda width: self._with_findings(row, situation, width))
            return
        self._marked = None
        now = situation.evidence
        older, newer = sorted((marked, chosen), key=lambda image: image.modified)

        def compared() -> list[Line]:
            if marked.path == chosen.path:
                host = replace(now, images=not_collected("images"))
                return list(comparison_lines(compare(_alone(now, chosen), host), chosen.path, self._host))
            return list(comparison_lines(compare(_alone(now, older), _alone(now, newer)), older.path, newer.path))

        run_beside(self.workbench, compared, self._show_comparison, self.workbench.problem)

    def _show_comparison(self, lines: list[Line]) -> None:
        self.app.push_screen(TextScreen(lines))

    def action_queues(self) -> None:
        """Of its only connection, or of the one that is chosen by its number."""
        row = self.rows.cursor_row
        if row is None or not isinstance(row.subject, ImageDirectory):
            return
        image = row.subject
        sockets = [each for each in image.sockets if each.queue is not None]
        if not sockets:
            self.notify("These images hold no queues: no connection was dumped.", markup=False, timeout=3)
        elif len(sockets) == 1:
            self._show_queues(image, sockets[0])
        else:
            self.app.push_screen(
                ChooseScreen([str(each.connection) for each in sockets], "Whose queues? Enter shows them."),
                lambda number: None if number is None else self._show_queues(image, sockets[number]),
            )

    def _show_queues(self, image: ImageDirectory, socket: ImageSocket) -> None:
        self.app.push_screen(QueuesScreen(recorded=queues_of_image(socket, image.path, image.modified)))

    def action_add(self) -> None:
        self.workbench.guide.ask_for_images()


def _alone(evidence: Evidence, image: ImageDirectory) -> Evidence:
    """What one image directory tells."""
    return Evidence(evidence.taken, evidence.monotonic_ns, (image.path,), images=(image,))
