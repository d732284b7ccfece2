"""Packets: what does each end of this connection say, and what is notable about it?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Footer

from workbench.errors import WorkbenchError
from workbench.evidence import Capture
from workbench.evidence.packet_notes import Followed, Noted
from workbench.present.line import Line, Tone, line
from workbench.present.packets import COLUMNS, PacketRows, packet_detail
from workbench.present.table import Table
from workbench.present.text import printable
from workbench.present.units import count
from workbench.tui.beside import run_beside
from workbench.tui.clipboard import copy_text
from workbench.tui.keys import Where, bindings
from workbench.tui.operations import PacketCapture
from workbench.tui.screens.ask import AskScreen
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.line_view import LineView
from workbench.tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

DRAWN_S = 0.5
MOST_SHOWN = 5000
"""The newest so many; all of them are saved."""
MOST_RECORDED = 20_000
"""Likewise of a recording, which is drawn once."""
_NOTHING_YET = "No segment yet: only what passes from now on is captured."
_NOTHING = "No segment of this connection was captured."


class PacketsScreen(Dialog[None]):
    """A capture that runs as long as this is open, or segments of a recording."""

    PLACES = (Where.PACKETS, Where.ROWS)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.PACKETS)
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (80, "-narrow"), (100, "-normal"), (140, "-wide")]  # noqa: RUF012 - Textual's own annotation
    AUTO_FOCUS = "RowView"

    def __init__(
        self,
        title: str,
        begin: Callable[[], PacketCapture] | None = None,
        recorded: tuple[Capture, Followed] | None = None,
    ) -> None:
        """``begin`` starts a capture and may raise WorkbenchError; without it ``recorded`` is shown."""
        super().__init__()
        self._subject = title
        self._begin = begin
        self._live: PacketCapture | None = None
        self._starting = False
        self._shown = recorded
        self._left_out = 0
        """Segments before those that are listed."""
        self._drawn = -1
        self._notable = False
        self._copies = False

    @property
    def workbench(self) -> "WorkbenchApp":
        return cast("WorkbenchApp", self.app)

    @property
    def rows(self) -> RowView:
        return self.query_one("#packet-rows", RowView)

    def compose(self) -> ComposeResult:
        yield LineView(lambda _: [self._title()], id="packet-title")
        with Container(id="body"):
            with Vertical(id="list"):
                yield RowView(Table(COLUMNS), follow=True, id="packet-rows")
            yield LineView(id="detail")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#packet-title", LineView).can_focus = False
        self.rows.following = self._begin is not None
        self._draw()
        if self._begin is not None:
            self.action_toggle_capture()
            self.set_interval(DRAWN_S, self._look)

    def on_unmount(self) -> None:
        if self._live is not None:
            self._live.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._begin is not None if action in {"toggle_capture", "save"} else True

    def _title(self) -> Line:
        if self._live is not None:
            state = ("capturing", Tone.MOVING)
        else:
            state = ("starting" if self._starting else "ended" if self._begin else "recorded", Tone.DIM)
        segments = "" if self._shown is None else f"  {count(len(self._shown[1].segments), 'segment')}"
        dropped = self._shown[0].dropped if self._shown else None
        lost = f"  {dropped} came too quickly" if dropped else ""
        only = "  only notable ones" if self._notable else ""
        first = f"  without the first {self._left_out}" if self._left_out else ""
        cut = "  cut off" if self._shown and self._shown[0].problems else ""
        return line(
            ("Packets", Tone.STRONG), f"  {printable(self._subject)}  ", state, segments, (lost, Tone.WARNING), only,
            (first + cut, Tone.WARNING), "  headers only" if self._live is not None else "",
        )  # fmt: skip

    def action_toggle_capture(self) -> None:
        """End it, or begin a new one."""
        if self._live is not None:
            self._look()
            self._live.close()
            self._live = None
            self._draw()
        elif self._begin is not None and not self._starting:
            self._starting = True
            run_beside(self.workbench, self._begin, self._begun, self._refused)

    def _begun(self, running: PacketCapture) -> None:
        self._starting = False
        if not self.is_mounted:  # closed meanwhile
            running.close()
            return
        self._live, self._shown, self._drawn = running, None, -1
        self.workbench.timeline.captures.append(running)
        self._draw()

    def _refused(self, error: WorkbenchError) -> None:
        self._starting = False
        self.workbench.problem(error)
        if self.is_mounted:
            self._draw()

    def _look(self) -> None:
        if self._live is None:
            return
        if self._live.count != self._drawn:
            self._drawn = self._live.count
            self._shown = self._live.snapshot()
            self._draw()

    def _draw(self) -> None:
        empty = _NOTHING_YET if self._begin else _NOTHING
        if self._shown is None:
            table = Table(COLUMNS, empty=empty)
        else:
            rows = PacketRows.of(*self._shown)
            if self._notable and self._shown[1].segments:
                empty = "Nothing notable; n shows every segment."
            most = MOST_SHOWN if self._begin else MOST_RECORDED
            table = rows.table(empty, most=most, copies=self._copies, notable=self._notable)
            self._left_out = rows.count(copies=self._copies, notable=self._notable) - len(table.rows)
        self.rows.show(table)
        self.query_one("#packet-title", LineView).show(lambda _: [self._title()])

    @on(RowView.Moved)
    def _show_detail(self, message: RowView.Moved) -> None:
        detail = self.query_one("#detail", LineView)
        subject = message.row.subject if message.row else None
        if isinstance(subject, Noted) and self._shown is not None:
            lines: Sequence[Line] = packet_detail(subject, self._shown[0])
            detail.show(lambda _: lines)
        else:
            detail.show(lambda _: ())

    @on(RowView.Opened)
    def _open_detail(self) -> None:
        self.add_class("-opened")
        self.query_one("#detail", LineView).focus()

    def action_newest(self) -> None:
        self.rows.action_last()

    def action_notable(self) -> None:
        self._notable = not self._notable
        self._draw()

    def action_copies(self) -> None:
        self._copies = not self._copies
        self._draw()

    def action_copy(self) -> None:
        copy_text(self.app, self.rows.as_text())

    def action_save(self) -> None:
        if self._live is None:
            self.notify("Only a capture that runs can be saved.", markup=False, timeout=3)
            return
        self.app.push_screen(AskScreen("Write the capture to", "capture.pcapng"), self._save)

    def _save(self, name: str | None) -> None:
        running = self._live
        if name is not None and running is not None:
            run_beside(
                self.workbench, lambda: running.save(Path(name).expanduser()), self._saved, self.workbench.problem
            )

    def _saved(self, said: str) -> None:
        self.notify(printable(said), markup=False, timeout=8)

    def action_close(self) -> None:
        if self.has_class("-opened"):
            self.remove_class("-opened")
            self.rows.focus()
        else:
            self.dismiss(None)
