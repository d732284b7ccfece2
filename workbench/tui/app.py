"""The application: modes for its screens, one collector beside them, and the way from a row to an operation."""

import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Key, Paste, Resize
from textual.screen import Screen

from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.operation.progress import Progress
from workbench.present.header import freshness, header_line
from workbench.present.line import Line
from workbench.present.text import printable
from workbench.present.units import count
from workbench.source import Source, is_recording
from workbench.tui.beside import Done
from workbench.tui.collector import INTERVAL_S, Collector, Moment
from workbench.tui.driver import PatientDriver
from workbench.tui.ending import end_on_signals, run_to_the_end
from workbench.tui.guide import Guide
from workbench.tui.journeys import offer_scenario
from workbench.tui.judge import OpenJudge, library
from workbench.tui.keys import ACTIONS, BESIDE, LIVE, STEPS, Where, bindings
from workbench.tui.lab_connection import LabConnection
from workbench.tui.live_timeline import LiveTimeline
from workbench.tui.messages import LookFailed, MomentTaken, Progressed
from workbench.tui.operations import NO_OPERATIONS, Operations
from workbench.tui.recorded import compared, fitting
from workbench.tui.screens.base import WorkbenchScreen
from workbench.tui.screens.checkpoints import CheckpointsScreen
from workbench.tui.screens.connections import ConnectionsScreen
from workbench.tui.screens.findings import FindingsScreen
from workbench.tui.screens.netfilter import NetfilterScreen
from workbench.tui.screens.operation import OperationScreen
from workbench.tui.screens.processes import ProcessesScreen
from workbench.tui.screens.table import TableScreen
from workbench.tui.screens.timeline import TimelineScreen
from workbench.tui.screens.too_small import TooSmallScreen, is_too_small
from workbench.tui.session import Session
from workbench.tui.type_ahead import KeyPassed, TypeAhead
from workbench.tui.widgets.bars import TabBar
from workbench.tui.wiring import LiveHost

SLOW_S = 4.0
"""Without a new moment for so long, the header says so."""


class WorkbenchApp(App[int]):
    """The workbench in a terminal."""

    TITLE = "workbench"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.EVERYWHERE), *bindings(Where.RECORDING)]
    MODES = {  # noqa: RUF012 - Textual's own annotation
        "connections": ConnectionsScreen,
        "processes": ProcessesScreen,
        "netfilter": NetfilterScreen,
        "checkpoints": CheckpointsScreen,
        "timeline": TimelineScreen,
        "findings": FindingsScreen,
        "operation": OperationScreen,
    }
    DEFAULT_MODE = "connections"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        open_source: Callable[[], Source],
        operations: Operations = NO_OPERATIONS,
        *,
        lab: str | None = None,
        judge: OpenJudge = library,
    ) -> None:
        """``open_source`` is called in the collector's thread, after the first frame; ``lab``: a scenario to start."""
        super().__init__()
        self.animation_level = "none"
        self.operations = operations
        self.guide = Guide(self)
        self.timeline = LiveTimeline(self)
        self.moment: Moment | None = None
        """What is shown; while paused, not the newest."""
        self.session: Session | None = None
        self.lab = LabConnection(self, lab or "established")
        self._starts_lab = lab is not None
        self._newest: Moment | None = None
        self._received = time.monotonic()
        self._shown_since = self._received
        self._paused = False
        self._told_unfinished = False
        self._too_small = False
        self.type_ahead = TypeAhead(self)
        self._collector = Collector(
            open_source,
            judge,
            lambda moment: self.post_message(MomentTaken(moment)),
            lambda reason: self.post_message(LookFailed(reason)),
        )

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        return PatientDriver if chosen is LinuxDriver else chosen

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self.type_ahead.take(event, super().on_event)
        else:
            await super().on_event(event)

    @on(KeyPassed)
    def _key_passed(self, message: KeyPassed) -> None:
        self.type_ahead.passed(message)

    def on_mount(self) -> None:
        # What a live source imports takes longer than the first frame, and both want the interpreter's lock.
        self.call_after_refresh(self._collector.start)
        self.set_interval(1.0, self._tick)
        end_on_signals(self)
        if self._starts_lab:
            self.action_lab()

    def on_resize(self, event: Resize) -> None:
        """Once for each time that the terminal becomes too small: who wants to see what fits is left alone."""
        was, self._too_small = self._too_small, is_too_small(event.size)
        if self._too_small and not was:
            self.push_screen(TooSmallScreen())
        elif not self._too_small and isinstance(self.screen, TooSmallScreen):
            self.pop_screen()

    def on_unmount(self) -> None:
        self._collector.stop()
        self.timeline.stop()

    @property
    def paused(self) -> bool:
        """The display is held still."""
        return self._paused

    @property
    def front(self) -> WorkbenchScreen | None:
        """The screen of the current mode, whatever stands over it; None until it is composed, and at the end."""
        stack = reversed(self.screen_stack) if self.is_running else ()
        screens = (screen for screen in stack if isinstance(screen, WorkbenchScreen))
        return next((screen for screen in screens if screen.is_mounted), None)

    @property
    def is_recorded(self) -> bool:
        """What is shown is a recording: nothing can be done on it."""
        return self.moment is not None and not self.moment.live

    def offers(self, action: str) -> bool | None:
        """Whether an action can be done; None: not on a recording, False: on a recording only."""
        if self.moment is None or self.moment.live:
            return action not in STEPS
        is_useless = action in BESIDE or (action in STEPS and not self.moment.place)
        return False if is_useless else None if action in LIVE else True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.offers(action)

    def on_key(self, event: Key) -> None:
        """A key that is greyed out says why, and does nothing else that it would do elsewhere."""
        wanted = next((each for each in ACTIONS if each.live and event.key in each.keys.split(",")), None)
        has_it = wanted is not None and any(hasattr(node, f"action_{wanted.name}") for node in (self, self.front))
        if wanted is not None and has_it and self.is_recorded and not self.screen.is_modal:
            event.prevent_default()
            self.notify(f"{wanted.label}: this is a recording, nothing can be done on it.", markup=False, timeout=3)

    def header(self, width: int) -> Line:
        """The line on top."""
        moment = self.moment
        now = time.monotonic()
        state = freshness(
            live=moment is None or moment.live,
            paused=self._paused,
            interval_s=INTERVAL_S,
            behind_s=now - (self._shown_since if self._paused else self._received),
            slow=now - self._received > SLOW_S,
        )
        label = moment.label if moment else ""
        if moment is not None and moment.place:
            state = fitting(moment.place, width - len(printable(label)) - 14)
        if moment is None:
            return header_line(label, None, state, width, paused=self._paused)
        situation = moment.situation
        return header_line(label, situation.evidence, state, width, paused=self._paused, judgement=situation.judgement)

    @on(MomentTaken)
    def _moment_taken(self, message: MomentTaken) -> None:
        self._newest = message.moment
        self._received = time.monotonic()
        if not self._paused:
            self._show_newest()

    def _show_newest(self) -> None:
        if self._newest is None:
            return
        first = self.moment is None
        self.moment = self._newest
        self._shown_since = self._received
        if first and self.is_recorded:
            self.screen.refresh_bindings()
        front = self.front
        if front is not None:
            front.show(self.moment)
            front.refresh_header()
            self.lab.seek(front)
        self._tell_unfinished(self.moment)

    def _tell_unfinished(self, moment: Moment) -> None:
        """Once: an operation was interrupted, or a connection was left in a file."""
        unfinished = moment.situation.evidence.unfinished
        if self._told_unfinished or isinstance(unfinished, Gap):
            return
        waiting = sum(not operation.workbench_alive for operation in unfinished)
        if waiting:
            self._told_unfinished = True
            said = f"{count(waiting, 'operation is', 'operations are')} unfinished"
            self.notify(
                f"{said}: u looks at what is left and puts it right.", severity="warning", markup=False, timeout=15
            )

    @on(LookFailed)
    def _look_failed(self, message: LookFailed) -> None:
        self.notify(printable(message.reason, 300), severity="error", markup=False)

    @on(Done)
    def _deliver(self, message: Done) -> None:
        message.deliver()

    @on(Progressed)
    def _progressed(self, message: Progressed) -> None:
        if self.session is not None:
            self.session.progress = message.progress
            self.timeline.operation_progressed(message.progress)
        if isinstance(self.front, OperationScreen):
            self.front.draw()
        if message.progress.outcome is not None:
            self.clear_notifications()  # what they told of is over, and they would stand over the report
            self._collector.look_now()
            self.guide.diagnose(message.progress)

    @on(TabBar.Chosen)
    def _tab_chosen(self, message: TabBar.Chosen) -> None:
        self.go_to(message.screen)

    def _tick(self) -> None:
        front = self.front
        if front is not None:
            front.refresh_header()

    def go_to(self, mode: str) -> None:
        """Bring a screen to the front."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self._collector.screen = mode
        if self.current_mode != mode:
            self.switch_mode(mode)

    def problem(self, error: WorkbenchError) -> None:
        """Say what is wrong and the way out."""
        said = f"{error.message}\n{error.hint}" if error.hint else error.message
        lines = (printable(each, 300) for each in said.splitlines())
        self.notify("\n".join(lines), severity="error", markup=False, timeout=8)

    def publish(self, progress: Progress) -> None:
        """Called by an operation in its own thread."""
        self.post_message(Progressed(progress))

    def look_now(self) -> None:
        self._collector.look_now()

    def action_show_connections(self) -> None:
        self.go_to("connections")

    def action_show_processes(self) -> None:
        self.go_to("processes")

    def action_show_netfilter(self) -> None:
        self.go_to("netfilter")

    def action_show_checkpoints(self) -> None:
        self.go_to("checkpoints")

    def action_show_timeline(self) -> None:
        self.go_to("timeline")

    def action_show_findings(self) -> None:
        self.go_to("findings")

    def action_show_operation(self) -> None:
        self.go_to("operation")

    def action_help(self) -> None:
        from workbench.tui.screens.help import TextScreen, help_lines

        front = self.front
        gaps = (*(self.moment.situation.evidence.gaps if self.moment else ()), *self.timeline.latest.gaps)
        if front is not None:
            self.push_screen(TextScreen(help_lines(front.MODE, front.PURPOSE, gaps)))

    def action_meanings(self) -> None:
        from workbench.tui.screens.help import TextScreen, meaning_lines

        front = self.front
        if front is not None:
            columns = front.COLUMNS if isinstance(front, TableScreen) else ()
            self.push_screen(TextScreen(meaning_lines(front.MODE, columns)))

    def action_pause(self) -> None:
        self._paused = not self._paused
        if self._paused:
            self._tick()
        else:
            self._show_newest()

    def action_recover(self) -> None:
        self.guide.offer_recovery()

    def action_earlier(self) -> None:
        self._collector.step(-1)

    def action_later(self) -> None:
        self._collector.step(1)

    def action_changes(self) -> None:
        self.guide.compare_moments(self._collector.before, self.moment)

    def action_bundle(self) -> None:
        self.guide.offer_bundle()

    def action_scenario(self) -> None:
        offer_scenario(self)

    def action_lab(self) -> None:
        self.lab.toggle()

    def action_step_back(self) -> None:
        if self.screen.is_modal:
            self.pop_screen()
        elif isinstance(self.screen, WorkbenchScreen):
            self.screen.step_back()

    def action_leave(self) -> None:
        front = self.front
        if self.screen.is_modal or front is None or not front.leave():
            self.action_quit_workbench()

    def action_quit_workbench(self) -> None:
        """Quit; with an operation under way, only when it has been turned back or has ended."""
        if self.session is not None and self.session.is_open:
            self.guide.ask_before_quitting()
        else:
            self.exit(0)

    async def action_quit(self) -> None:
        self.action_quit_workbench()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for action in ACTIONS:
            places: list[object] = [self, *([self.front] if self.front else [])]
            node = next((each for each in places if hasattr(each, f"action_{action.name}")), None)
            if (
                node is not None
                and self.offers(action.name)
                and action.where
                in {
                    Where.EVERYWHERE,
                    Where.TABLE,
                    Where.TARGETS,
                    Where.CHECKPOINTS,
                    Where.TIMELINE,
                    Where.CONNECTIONS,
                    Where.PROCESSES,
                    Where.FINDINGS,
                }
            ):
                title = f"{action.label.capitalize()} ({action.key_text})"
                yield SystemCommand(title, action.help, getattr(node, f"action_{action.name}"))
        yield SystemCommand("Quit", "Leave the workbench", self.action_quit_workbench)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)


def run(source: Source | None = None, *, lab: str | None = None, screen: str = "connections") -> int:
    """Run it on this terminal, on what was recorded or, None, on this host, ``screen`` first. Gives the status."""
    if source is None:
        host = LiveHost()
        app = WorkbenchApp(host.open_source, host.operations(), lab=lab)
    else:
        recorded = source
        judge = compared(recorded) if is_recording(recorded) else library
        app = WorkbenchApp(lambda: recorded, judge=judge)
        app.call_later(app.go_to, screen)
    return run_to_the_end(app)
