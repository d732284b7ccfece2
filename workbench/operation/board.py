"""Where the pieces of a progress snapshot are kept until the next one is published."""

import time
from collections.abc import Callable
from dataclasses import replace

from workbench.evidence import DumpStats, Lock, LogLine, RestoreStats
from workbench.operation.machine import State
from workbench.operation.plan import Plan
from workbench.operation.progress import Closed, Outcome, PeerKeeping, Progress, Proof, Step, Transfer, Watched
from workbench.operation.request import Hold
from workbench.operation.steps import Course

LATE_MS = 50.0
"""A log of ten thousand lines is no reason for as many snapshots."""


class Board:
    """Written by one thread; ``latest`` may be read by any."""

    def __init__(self, plan: Plan, *, locks: bool) -> None:
        self._plan = plan
        self.publish: Callable[[Progress], None] = lambda _: None
        self._has_locks = locks
        self._started = time.monotonic()
        self._course = Course()
        self._log: list[LogLine] = []
        self.locks: tuple[Lock, ...] = ()
        self.watched: tuple[Watched, ...] = ()
        self.unwatched = False
        self.proofs: tuple[Proof, ...] = ()
        self.closed: tuple[Closed, ...] = ()
        self.dump_stats: DumpStats | None = None
        self.restore_stats: RestoreStats | None = None
        self.restored_pid: int | None = None
        self.own_hold: Hold | None = None
        """A hold that the operation itself goes on from, not a person."""
        self.transfer: Transfer | None = None
        self.keeping: PeerKeeping | None = None
        self.arrange: Callable[[tuple[Step, ...]], tuple[Step, ...]] = lambda steps: steps
        """Adds steps that CRIU knows nothing of."""
        self._outcome: Outcome | None = None
        self._error = ""
        self.latest = Progress(plan, 0.0, ())

    @property
    def log(self) -> list[LogLine]:
        return self._log

    def add(self, line: LogLine) -> None:
        """One more line of CRIU's log."""
        self._log.append(line)
        self._course.add(line)

    def waited(self, notification: str, seconds: float) -> None:
        """CRIU waited so long for an answer."""
        self._course.waited(notification, seconds)

    def show(self, state: State, *, urgent: bool = True) -> None:
        """Publish a snapshot if it differs from the last one in more than its age; what is not urgent may be late."""
        snapshot = self._snapshot(state)
        if not urgent and snapshot.elapsed_ms - self.latest.elapsed_ms < LATE_MS:
            return
        if replace(snapshot, elapsed_ms=self.latest.elapsed_ms) != self.latest:
            self._give(snapshot)

    def finish(self, state: State, outcome: Outcome, error: str) -> None:
        """Publish the last snapshot."""
        self._outcome, self._error = outcome, error
        self._give(self._snapshot(state))

    def _give(self, snapshot: Progress) -> None:
        self.latest = snapshot
        self.publish(snapshot)

    def _snapshot(self, state: State) -> Progress:
        shown = replace(state, held=None) if state.held is self.own_hold else state
        return Progress(
            plan=self._plan,
            elapsed_ms=(time.monotonic() - self._started) * 1000,
            steps=self.arrange(self._course.steps(shown, locks=self._has_locks)),
            held=shown.held,
            outcome=self._outcome,
            error=self._error,
            can_turn_back=state.can_turn_back,
            locks=self.locks,
            watched=self.watched,
            unwatched=self.unwatched,
            log=tuple(self._log),
            proofs=self.proofs,
            closed=self.closed,
            dump_stats=self.dump_stats,
            restore_stats=self.restore_stats,
            lock_ms=self._course.lock_ms,
            restored_pid=self.restored_pid,
            images=self._plan.image.path if self._plan.image else self._plan.request.images,
            transfer=self.transfer,
            keeping=self.keeping,
        )
