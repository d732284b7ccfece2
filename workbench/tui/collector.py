"""Looking once a second in a thread of its own; the newest moment is handed over, frozen."""

import gc
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from workbench.errors import WorkbenchError
from workbench.evidence.columns import without_collection
from workbench.present.checkpoints import checkpoints_table
from workbench.present.connections import connections_table
from workbench.present.findings import findings_table
from workbench.present.netfilter import netfilter_table
from workbench.present.processes import processes_table
from workbench.present.situation import Situation
from workbench.present.table import Table
from workbench.source import Source, is_recording
from workbench.tui.judge import Judge, OpenJudge
from workbench.tui.recorded import place_words

INTERVAL_S = 1.0
_REST = 4
"""Rest so many times as long as a round took: the interpreter's lock leaves the keyboard its share."""

TABLES: Mapping[str, Callable[[Situation], Table]] = {
    "connections": connections_table,
    "processes": processes_table,
    "netfilter": netfilter_table,
    "checkpoints": checkpoints_table,
    "findings": findings_table,
}
"""What each screen with a table shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What one round has found, and the table of the screen that was in front."""

    situation: Situation
    screen: str
    table: Table | None
    live: bool
    label: str
    place: tuple[str, ...] = ()
    """Of a recording: which of its moments this is, the most important words first; hostile."""

    def table_of(self, screen: str) -> Table:
        """The table of a screen; made now if another one was in front when the round was made."""
        return self.table if self.table is not None and screen == self.screen else TABLES[screen](self.situation)


class Collector:
    """One daemon thread: it may hang in the kernel, and quitting must not wait for it."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        open_judge: OpenJudge,
        deliver: Callable[[Moment], object],
        fail: Callable[[str], object],
    ) -> None:
        """``deliver`` and ``fail`` are called in the collector's thread."""
        self._judge = Judge(open_judge, self._hurry_up)
        self._open_source = open_source
        self._deliver = deliver
        self._fail = fail
        self._steps = 0
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self.before: Moment | None = None
        """Of a recording: the moment that was shown before this one."""
        self._last: Moment | None = None
        self.screen = "connections"
        """Whose table is made in this thread rather than in the one that draws."""

    def start(self) -> None:
        self._thread.start()
        self._judge.start()

    def step(self, by: int) -> None:
        """Go so many moments on in a recording."""
        self._steps += by
        self.look_now()

    def look_now(self) -> None:
        """End the rest: something is known to have changed."""
        self._judge.hurry()
        self._hurry.set()

    def _hurry_up(self) -> None:
        self._hurry.set()

    def stop(self) -> None:
        """End after the round under way, without waiting long for it."""
        self._stop.set()
        self._hurry.set()
        self._judge.stop()
        if self._thread.is_alive():  # a fault at the first frame comes before its start
            self._thread.join(timeout=0.3)

    def _run(self) -> None:
        try:
            source = self._open_source()
        except WorkbenchError as error:
            self._fail(str(error))
            return
        except Exception as error:  # without a word the screen would say "Looking ..." for ever
            self._fail(f"evidence cannot be collected: {type(error).__name__}: {error}")
            return
        try:
            # The first look at a live host takes only what the first screen needs; who judged by it would be wrong.
            judges = not source.is_live
            while not self._stop.is_set():
                started = time.monotonic()
                self._look(source, judges=judges)
                judges = True
                took = time.monotonic() - started
                self._hurry.wait(max(INTERVAL_S - took, took * _REST) if source.is_live else None)
                self._hurry.clear()
        finally:
            source.close()

    def _look(self, source: Source, *, judges: bool) -> None:
        try:
            self._go(source)
            # of a recording very many records are made at once, and kept
            with nullcontext() if source.is_live else without_collection():
                evidence = source.evidence()
                situation = Situation(evidence, self._judge.judgement)
                situation.join()
                screen = self.screen
                table = TABLES[screen](situation) if screen in TABLES else None
                if not source.is_live:
                    gc.freeze()  # else the next look for cycles would pass over all of them
            if judges:  # in a thread of its own, which would take from the time until there is something to see
                self._judge.offer(evidence)
        except Exception as error:  # one round lost must not end the display
            self._fail(f"a look at {source.label} failed: {type(error).__name__}: {error}")
            return
        if not self._stop.is_set():
            place = place_words(source, evidence) if is_recording(source) else ()
            moment = Moment(situation, screen, table, source.is_live, source.label, place)
            if place and (self._last is None or self._last.place != place):
                self.before, self._last = self._last, moment
            self._deliver(moment)

    def _go(self, source: Source) -> None:
        """To the moment that the steps of a person lead to; what was judged of another one does not count."""
        steps, self._steps = self._steps, 0
        if steps and is_recording(source):
            before = source.at
            source.go(before + steps)
            if source.at != before:
                self._judge.forget()
