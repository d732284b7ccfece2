"""Operation: what is happening, what will it cost, can I still turn back?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome, Progress
from workbench.operation.request import DumpRequest
from workbench.operation.runner import Operation
from workbench.present.line import Line, Tone, line
from workbench.present.operation import (
    connection_lines,
    hold_lines,
    lock_lines,
    log_lines,
    running_step,
    steps_line,
    title_line,
)
from workbench.present.progress import report_lines, report_text
from workbench.tui.clipboard import copy_text
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.base import WorkbenchScreen
from workbench.tui.widgets.line_view import LineView

_NONE = (
    line("No operation has been started here."),
    line(),
    line(
        "d on Connections or Processes dumps a process; r on Checkpoints restores one.",
    ),
)


class OperationScreen(WorkbenchScreen):
    """Steps, locks, connection, log while it runs; the report when it is done."""

    MODE = "operation"
    PURPOSE = "What is happening, what will it cost, can I still turn back?"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.OPERATION)

    def __init__(self) -> None:
        super().__init__()
        self._operation: Operation | None = None
        self._progress: Progress | None = None
        self._starting: Plan | None = None
        self._number = 0

    def compose_body(self) -> ComposeResult:
        yield LineView(id="op-title")
        yield LineView(id="op-steps")
        with Container(id="op-body"):
            yield LineView(id="op-connection")
            yield LineView(id="op-locks")
            yield LineView(id="op-log", follow=True)
        yield LineView(id="op-hold")
        yield LineView(id="op-report")

    def on_mount(self) -> None:
        for name in ("#op-title", "#op-steps", "#op-hold"):
            self.query_one(name, LineView).can_focus = False
        self._draw()

    @property
    def is_open(self) -> bool:
        """An operation was begun and has no outcome yet."""
        return self._operation is not None and (self._progress is None or self._progress.outcome is None)

    def begin(self, operation: Operation, plan: Plan) -> None:
        """Follow a new operation from now on."""
        self._operation, self._starting, self._progress, self._number = operation, plan, None, 0
        self._draw()

    def follow(self, progress: Progress) -> None:
        """A new snapshot of it."""
        ended = progress.outcome is not None and (self._progress is None or self._progress.outcome is None)
        self._progress = progress
        if self.is_mounted:
            self._draw()
            self.refresh_bindings()
            if ended:
                self.query_one("#op-report", LineView).focus()

    def _view(self, name: str) -> LineView:
        return self.query_one(f"#op-{name}", LineView)

    def _draw(self) -> None:
        progress = self._progress
        done = progress is not None and progress.outcome is not None
        self.set_class(done or progress is None, "-report")
        if progress is None:
            self._view("report").show(self._waiting)
            return
        self._view("log").show(lambda _: log_lines(progress.log))
        if done:
            self._view("report").show(lambda _: self._report(progress))
            return
        self._view("title").show(lambda width: [title_line(progress, width)])
        self._view("steps").show(lambda _: [steps_line(progress)])
        self._view("connection").show(lambda width: connection_lines(progress, self._number, width))
        self._view("locks").show(lambda _: lock_lines(progress))
        self._view("hold").show(lambda _: hold_lines(progress) or [_under_way(progress)])

    def _waiting(self, _: int) -> Sequence[Line]:
        if self._starting is None:
            return _NONE
        return (line((self._starting.title, Tone.STRONG)), line(), line(("Starting ...", Tone.MOVING)))

    def _report(self, progress: Progress) -> list[Line]:
        lines = report_text(progress)
        if self._can_restore:
            lines += [line(), line(("r", Tone.STRONG), " restores it now.")]
        return lines

    @property
    def _can_restore(self) -> bool:
        progress = self._progress
        if progress is None or progress.outcome not in {Outcome.SUCCEEDED, Outcome.DOUBTFUL}:
            return False
        request = progress.plan.request
        return isinstance(request, DumpRequest) and not request.leave_running

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        progress = self._progress
        held = progress is not None and progress.held is not None
        running = progress is not None and progress.outcome is None
        match action:
            case "proceed":
                return True if held else None if running else False
            case "turn_back":
                return (progress.can_turn_back or None) if progress is not None and running else False
            case "restore_now":
                return self._can_restore
            case _:
                return True

    def action_proceed(self) -> None:
        if self._operation is not None:
            self._operation.proceed()

    def action_turn_back(self) -> None:
        if self._operation is not None:
            self._operation.turn_back()
            self.notify("Turning back as soon as CRIU lets one.", markup=False)

    def action_log(self) -> None:
        self.toggle_class("-log")
        self._view("log" if self.has_class("-log") else "connection").focus()

    def action_next_connection(self) -> None:
        self._number += 1
        self._draw()

    def action_restore_now(self) -> None:
        if self._progress is not None:
            self.workbench.guide.offer_restore(self._progress.images or self._progress.plan.request.images)

    def action_copy_report(self) -> None:
        if self._progress is not None:
            copy_text(self.app, "\n".join(report_lines(self._progress)))

    def step_back(self) -> bool:
        if self.has_class("-log"):
            self.action_log()
            return True
        return False


def _under_way(progress: Progress) -> Line:
    step = running_step(progress)
    back = "b turns back" if progress.can_turn_back else ""
    return line((f"{step} ..." if step else "...", Tone.MOVING), f"   {back}")
