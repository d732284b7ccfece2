"""Queues: which bytes stand in this connection, not read, not acknowledged, not sent?"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer

from workbench.errors import WorkbenchError
from workbench.evidence.queues import SocketQueues
from workbench.present.line import Line, Tone, line
from workbench.present.queue_view import Found, parse_search, search
from workbench.present.text import printable
from workbench.tui.beside import run_beside
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.ask import AskScreen
from workbench.tui.screens.confirm import ConfirmScreen
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.hex_view import HexView
from workbench.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

REFRESHED_S = 1.0


class QueuesScreen(Dialog[None]):
    """Of a live socket: the receive queue as it changes, and after a stop both as they stood then. Of images: both."""

    PLACES = (Where.QUEUES, Where.LINES)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.QUEUES)
    AUTO_FOCUS = "HexView"

    def __init__(self, where: tuple[int, int] | None = None, recorded: SocketQueues | None = None) -> None:
        """``where``: pid and descriptor of a live socket; ``recorded``: queues that do not change any more."""
        super().__init__()
        self._where = where
        self._queues = recorded
        self._is_still = recorded is not None
        """What is shown was read during a stop, or recorded."""
        self._busy = False
        self._found: Sequence[Found] = ()
        self._wanted = b""
        self._place = 0

    @property
    def workbench(self) -> "WorkbenchApp":
        return cast("WorkbenchApp", self.app)

    def compose(self) -> ComposeResult:
        yield LineView(lambda _: [self._title()], id="queue-title")
        yield HexView(id="queue-bytes")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#queue-title", LineView).can_focus = False
        if self._queues is not None:
            self._show(self._queues)
        else:
            self._look()
            self.set_interval(REFRESHED_S, self._look)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"stop", "go_live"}:
            return self._where is not None and (action == "stop") is not self._is_still
        return True

    def _title(self) -> Line:
        if self._where is None:
            mode = "recorded"
        elif self._is_still:
            mode = "as they stood at the stop"
        else:
            mode = "live: the receive queue; s stops its holders for both"
        found = ""
        if self._wanted:
            found = f"  found {self._place + 1} of {len(self._found)}" if self._found else "  not found"
        return line(("Queues", Tone.STRONG), (found, Tone.WARNING), f"  {mode}")

    def _look(self) -> None:
        if self._where is None or self._busy or self._is_still:
            return
        where, self._busy = self._where, True
        peek = self.workbench.operations.peek_queues
        run_beside(self.workbench, lambda: peek(*where), self._looked, self._failed)

    def _looked(self, queues: SocketQueues) -> None:
        self._busy = False
        if self.is_mounted and not self._is_still:
            self._show(queues)

    def _failed(self, error: WorkbenchError) -> None:
        """The socket is gone, or cannot be seen: what was seen last stays."""
        self._busy = False
        if self.is_mounted:
            self._is_still = True
            self.refresh_bindings()
            self.workbench.problem(error)

    def _show(self, queues: SocketQueues) -> None:
        self._queues = queues
        self._found = search(queues, self._wanted) if self._wanted else ()
        self.query_one("#queue-bytes", HexView).show(queues, self._found)
        self.query_one("#queue-title", LineView).show(lambda _: [self._title()])

    def action_stop(self) -> None:
        """Say what it takes; only a typed yes does it."""
        if self._where is None or self._busy:
            return
        where, self._busy = self._where, True
        plan = self.workbench.operations.plan_queue_stop
        run_beside(self.workbench, lambda: plan(*where), self._confirm, self._not_possible)

    def _not_possible(self, error: WorkbenchError) -> None:
        self._busy = False
        self.workbench.problem(error)

    def _confirm(self, sentences: Sequence[str]) -> None:
        asked = line("Nobody is stopped yet. To do this, type ", ("yes", Tone.STRONG), " and press Enter.")
        lines = [line(("Read both queues", Tone.STRONG)), line(), *(line(printable(each)) for each in sentences)]
        self.app.push_screen(ConfirmScreen(lines, asked, "yes"), self._confirmed)

    def _confirmed(self, agreed: bool | None) -> None:
        self._busy = False
        if not agreed or self._where is None:
            return
        where, self._busy = self._where, True
        read = self.workbench.operations.read_queues
        run_beside(self.workbench, lambda: read(*where), self._stopped, self._not_possible)

    def _stopped(self, queues: SocketQueues) -> None:
        self._busy = False
        self._is_still = True
        if self.is_mounted:
            self.refresh_bindings()
            self._show(queues)

    def action_go_live(self) -> None:
        self._is_still = False
        self.refresh_bindings()
        self._look()

    def action_search(self) -> None:
        self.app.push_screen(AskScreen("Search for a text, or for bytes as hex:48656c6c6f"), self._search)

    def _search(self, text: str | None) -> None:
        if text is None or self._queues is None:
            return
        try:
            self._wanted = parse_search(text)
        except WorkbenchError as error:
            self.workbench.problem(error)
            return
        self._place = -1
        self._show(self._queues)
        self.action_next_found()

    def action_next_found(self) -> None:
        self._go(1)

    def action_previous_found(self) -> None:
        self._go(-1)

    def _go(self, step: int) -> None:
        if not self._found:
            if self._wanted:
                self.notify("It stands nowhere in these queues.", markup=False, timeout=3)
            return
        self._place = (self._place + step) % len(self._found)
        self.query_one("#queue-title", LineView).show(lambda _: [self._title()])
        self.query_one("#queue-bytes", HexView).go_to(self._found[self._place])

    def action_export(self) -> None:
        """Each part that has bytes into a file of its own."""
        if self._queues is None or not any(part.content for part in self._queues.parts):
            self.notify("There are no bytes to write.", markup=False, timeout=3)
            return
        queues = self._queues
        question = "Write each queue to a file; its name begins with"
        self.app.push_screen(AskScreen(question, "queue"), lambda name: self._export(queues, name))

    def _export(self, queues: SocketQueues, name: str | None) -> None:
        if name is not None:
            write = _writer(queues, name)
            run_beside(self.workbench, write, self._exported, self.workbench.problem)

    def _exported(self, written: Sequence[str]) -> None:
        self.notify(printable(f"Written: {', '.join(written)}"), markup=False, timeout=8)

    def action_close(self) -> None:
        self.dismiss(None)


def _writer(queues: SocketQueues, name: str) -> Callable[[], Sequence[str]]:
    def write() -> Sequence[str]:
        written = []
        for part in queues.parts:
            if part.content:
                path = Path(f"{name}-{part.name.value}.bin").expanduser()
                try:
                    with open(path, "xb", opener=lambda at, flags: os.open(at, flags | os.O_CLOEXEC, 0o600)) as file:
                        file.write(part.content)
                except OSError as error:
                    raise WorkbenchError(
                        f"{path} cannot be written: {error.strerror}", "choose another name"
                    ) from error
                written.append(str(path))
        return written

    return write
