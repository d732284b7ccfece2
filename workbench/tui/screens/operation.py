"""Operation: what is happening, what will it cost, can I still turn back?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal

from workbench.evidence import LogLine
from workbench.operation.progress import Progress
from workbench.operation.request import RestoreRequest
from workbench.present.findings import cause_lines, causes_by_line, page_lines
from workbench.present.line import Line, Tone, line
from workbench.present.operation import (
    connection_lines,
    hold_lines,
    lock_lines,
    log_lines,
    log_title,
    steps_line,
    title_line,
    under_way_lines,
)
from workbench.present.progress import report_lines, report_text
from workbench.present.timeline_narrowing import of_operation
from workbench.tui.clipboard import copy_text
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.base import WorkbenchScreen
from workbench.tui.session import Session
from workbench.tui.widgets.line_view import LineView

TAIL = 300
_NONE = (
    line("No operation has been started here."),
    line(),
    line(
        "d on Connections or Processes dumps a process; r on Checkpoints restores one.",
    ),
)
_RECORDED = (
    line("This is a recording: what was known at its moments is on the other screens, [ and ] go through them."),
)


class OperationScreen(WorkbenchScreen):
    """Steps, locks, connection, log while it runs; the report when it is done."""

    MODE = "operation"
    PURPOSE = "What is happening, what will it cost, can I still turn back?"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.OPERATION)

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._reported: Session | None = None
        self._log: tuple[int, int | None, int] = (0, 0, 0)

    def compose_body(self) -> ComposeResult:
        yield LineView(id="op-title")
        yield LineView(id="op-steps")
        with Container(id="op-body"):
            with Horizontal(id="op-now"):
                yield LineView(id="op-connection")
                yield LineView(id="op-locks")
            yield LineView(id="op-log", follow=True)
        yield LineView(id="op-hold")
        yield LineView(id="op-report")

    def on_mount(self) -> None:
        for name in ("#op-title", "#op-steps", "#op-hold"):
            self.query_one(name, LineView).can_focus = False

    def on_screen_resume(self) -> None:
        self.draw()

    def _view(self, name: str) -> LineView:
        return self.query_one(f"#op-{name}", LineView)

    def draw(self) -> None:
        """Show what the session is at now."""
        session = self.workbench.session
        progress = session.progress if session else None
        self.refresh_bindings()
        self.set_class(session is None or progress is None or not session.is_open, "-report")
        if session is None or progress is None:
            nothing = _RECORDED if self.workbench.is_recorded else _NONE
            self._view("report").show(lambda _: _starting(session) if session is not None else nothing)
            return
        self._show_log(progress.log)
        if not session.is_open:
            self._view("report").show(lambda _: _report(session, progress))
            if self._reported is not session:
                self._reported = session
                self._view("report").focus()
            return
        self._view("title").show(lambda width: [title_line(progress, width)])
        self._view("steps").show(lambda _: [steps_line(progress)])
        self._view("connection").show(lambda width: connection_lines(progress, self._number, width))
        self._view("locks").show(lambda _: lock_lines(progress))
        self._view("hold").show(lambda _: hold_lines(progress) or under_way_lines(progress))

    def _show_log(self, log: Sequence[LogLine]) -> None:
        """Anew only when it has grown: it has thousands of lines; beside other things only its end is shown."""
        limit = None if self.has_class("-log") else TAIL
        session = self.workbench.session
        causes = session.diagnosis.causes if session and session.diagnosis else ()
        if self._log == (len(log), limit, len(causes)):
            return
        self._log = (len(log), limit, len(causes))
        self._view("log").show(lambda _: log_lines(log, limit, causes_by_line(causes)))
        self._view("log").border_title = log_title(log)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        session = self.workbench.session
        running = session is not None and session.is_open
        match action:
            case "proceed":
                return True if session is not None and session.is_held else None if running else False
            case "turn_back":
                progress = session.progress if session is not None and running else None
                return (progress.can_turn_back or None) if progress else False
            case "restore_now":
                return session is not None and session.can_restore
            case _:
                return True

    def action_proceed(self) -> None:
        if self.workbench.session is not None:
            self.workbench.session.operation.proceed()

    def action_turn_back(self) -> None:
        if self.workbench.session is not None:
            self.workbench.session.operation.turn_back()
            self.notify("Turning back as soon as CRIU lets one.", markup=False, timeout=2)

    def action_log(self) -> None:
        self.toggle_class("-log")
        self.draw()
        self._view("log" if self.has_class("-log") else "connection").focus()

    def action_timeline(self) -> None:
        session = self.workbench.session
        self.workbench.timeline.open_for(of_operation(session.progress) if session and session.progress else None)

    def action_next_connection(self) -> None:
        self._number += 1
        self.draw()

    def action_restore_now(self) -> None:
        session = self.workbench.session
        if session is None or not session.can_restore:
            return
        if session.again is not None:
            self.workbench.guide.offer(session.again)
        else:
            self.workbench.guide.offer_restore(session.images)

    def action_copy_report(self) -> None:
        session = self.workbench.session
        if session is not None and session.progress is not None:
            copy_text(self.app, "\n".join(report_lines(session.progress)))

    def step_back(self) -> bool:
        if self.has_class("-log"):
            self.action_log()
            return True
        return False


def _starting(session: Session) -> Sequence[Line]:
    return (line((session.plan.title, Tone.STRONG)), line(), line(("Starting ...", Tone.MOVING)))


def _report(session: Session, progress: Progress) -> list[Line]:
    lines = report_text(progress)
    if session.diagnosis is not None:
        lines += cause_lines(session.diagnosis.causes)
        for code, page in session.diagnosis.pages.items():
            if any(cause.code == code for cause in session.diagnosis.causes):
                lines += [line(), *page_lines(code, page)]
    if session.can_restore:
        again = isinstance(session.plan.request, RestoreRequest)
        standing = "Its peers wait behind the lock. " if progress.locks else ""
        offer = " restores it after all." if again else " restores it now."
        lines += [line(), line(standing, ("r", Tone.STRONG), offer)]
    return lines
