"""The timeline of this host: recorded from when it is first asked for until the application ends."""

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap
from workbench.evidence.reset_witness import Witness
from workbench.evidence.stretch import Stretch
from workbench.operation.progress import Progress
from workbench.present.timeline_rows import Narrowing, Timeline
from workbench.read.log_events import OperationStages
from workbench.tui.beside import Done, run_beside
from workbench.tui.operations import PacketCapture, Recorder

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

MOST_CAPTURES = 2


class LiveTimeline:
    """What the recorder has told; used in the thread that draws."""

    def __init__(self, app: "WorkbenchApp") -> None:
        self._app = app
        self._recorder: Recorder | None = None
        self._stopped = False
        self._stages: OperationStages | None = None
        self.narrowing: Narrowing | None = None
        self.rows = Timeline(time.time_ns() - time.monotonic_ns())
        self.captures: deque[PacketCapture] = deque(maxlen=MOST_CAPTURES)
        """The newest, ended or not: they are asked who sent a reset."""
        self._witness = Witness(lambda: [each.snapshot()[0] for each in self.captures], self.rows.wall_ns)
        self.since: float | None = None
        """Wall clock when recording was asked for; None if nobody did."""
        self.latest = Stretch()
        """The newest, for what it says of the whole."""
        self.version = 0
        """Another number whenever the rows may be others."""

    def start(self) -> None:
        """Begin to record, unless it has begun."""
        if self.since is None:
            self.since = time.time()
            run_beside(self._app, lambda: self._app.operations.record(self._deliver), self._started, self._failed)

    def stop(self) -> None:
        """End it; the recorder removes its traces by itself."""
        self._stopped = True
        if self._recorder is not None:
            self._recorder.close()

    def narrow(self, narrowing: Narrowing | None) -> None:
        """Show only this; of it nothing is left out, however much happens beside it."""
        self.narrowing = narrowing
        self.rows.narrow(narrowing.selection if narrowing else None)
        self.version += 1
        if self._recorder is not None:
            self._recorder.focus(narrowing.selection if narrowing else None)

    def open_for(self, narrowing: Narrowing | None) -> None:
        """Bring the screen to the front, with what happens to this; None: with everything."""
        self.narrow(narrowing)
        self._app.go_to("timeline")

    def recorded(self) -> Evidence | None:
        """Events and captures so far, as evidence; None if neither was recorded."""
        captures = tuple(each.snapshot()[0] for each in self.captures)
        if self.since is None and not captures:
            return None
        found = Evidence(time.time(), time.monotonic_ns(), ())
        events = self.rows.events
        found = replace(found, events=events or self.latest.refused or ()) if self.since is not None else found
        return replace(found, captures=captures) if captures else found

    def operation_began(self) -> None:
        """Record from now on, with the stages of this operation."""
        self._stages = OperationStages()
        self.start()

    def operation_progressed(self, progress: Progress) -> None:
        """Take the stages that its log has reached."""
        if self._stages is None:
            return
        self.rows.wait_with(self._stages.reached(progress.log, time.monotonic_ns()))
        if self.latest.refused is not None:
            self.take(Stretch(refused=self.latest.refused))

    def _deliver(self, stretch: Stretch) -> None:
        """Called in a thread of the recorder."""
        self._app.post_message(Done(lambda: self.take(stretch)))

    def take(self, stretch: Stretch) -> None:
        """Take what the recorder tells."""
        self.latest = stretch
        found = self._witness.asked(stretch.attributions, stretch.until_ns) if self.captures else stretch.attributions
        self.rows.add(stretch.events, found, stretch.names, stretch.until_ns)
        self.version += 1

    def _started(self, recorder: Recorder) -> None:
        self._recorder = recorder
        if self._stopped:
            recorder.close()
        elif self.narrowing is not None:
            recorder.focus(self.narrowing.selection)

    def _failed(self, error: WorkbenchError) -> None:
        self.take(Stretch(refused=Gap("events", error.message, error.hint)))
