"""The steps of an operation as a person sees them, from CRIU's log and the phase of the machine."""

from workbench.evidence import LogLine, Stage
from workbench.operation.lock_cost import LockClock
from workbench.operation.machine import FROZEN, Phase, State
from workbench.operation.progress import Outcome, Step, StepState
from workbench.operation.request import Hold

_HELD_AFTER = {Hold.FROZEN: "frozen", Hold.IMAGES_COMPLETE: "images", Hold.RESTORED: "restored"}
_BEGINNINGS: dict[str, tuple[Stage, ...]] = {
    "frozen": (Stage.FROZEN,),
    "locked": (Stage.MEMORY, Stage.IMAGES_COMPLETE),
    "images": (Stage.IMAGES_COMPLETE,),
    "restored": (Stage.RESTORED,),
    "unlocked": (Stage.REPAIR_OFF, Stage.RELEASED),
}
"""Stages of the log at which a step is done, the first that comes."""


def names(kind: str, *, runs_on: bool, locks: bool) -> tuple[str, ...]:
    """Steps in their order."""
    if kind == "dump":
        end = ("resumed", "proved") if runs_on else ("ended",)
        return ("plan", "frozen", *(("locked",) if locks else ()), "images", *end)
    return ("plan", "restored", *(("unlocked",) if locks else ()), "released", "proved")


class Course:
    """How far an operation has come by its log, line by line."""

    def __init__(self) -> None:
        self.reached: dict[Stage, float] = {}
        """Seconds at which each stage began first."""
        self._lock = LockClock()
        self._waited: dict[str, float] = {}

    def waited(self, notification: str, seconds: float) -> None:
        """CRIU waited so long for an answer: that is not its own time."""
        self._waited[notification] = seconds
        if notification == FROZEN:
            self._lock.notified_s = seconds

    def add(self, line: LogLine) -> None:
        self._lock.add(line)
        if line.stage is not None and line.seconds is not None:
            self.reached.setdefault(line.stage, line.seconds)

    @property
    def lock_ms(self) -> float | None:
        """What locking and unlocking took."""
        return self._lock.milliseconds

    def steps(self, state: State, *, locks: bool) -> tuple[Step, ...]:
        """Each step with its state, and how long it took by the log's time stamps."""
        took = self._durations(state.kind)
        made: list[Step] = []
        waiting = False
        for name in names(state.kind, runs_on=state.runs_on, locks=locks):
            if _is_done(name, state, self.reached):
                held = state.held is not None and _HELD_AFTER[state.held] == name
                made.append(Step(name, StepState.HELD if held else StepState.DONE, took.get(name)))
            else:
                made.append(Step(name, _state_of(name, state, first=not waiting)))
                waiting = True
        return tuple(made)

    def _durations(self, kind: str) -> dict[str, float]:
        """Milliseconds of each step that is done."""
        spans: dict[str, float | None]
        if kind == "dump":
            to_images = self._between(Stage.FROZEN, Stage.IMAGES_COMPLETE, FROZEN)
            spans = {
                "frozen": self._between(Stage.PRE_DUMP, Stage.FROZEN, "pre-dump"),
                "locked": self.lock_ms,
                "images": None if to_images is None else max(to_images - (self.lock_ms or 0), 0.0),
            }
        else:
            spans = {
                "restored": self._between(Stage.PRE_RESTORE, Stage.RESTORED, "pre-restore"),
                "unlocked": self._between(Stage.UNLOCKED, Stage.REPAIR_OFF),
                "released": self._between(Stage.REPAIR_OFF, Stage.RELEASED),
            }
        return {name: span for name, span in spans.items() if span is not None}

    def _between(self, first: Stage, last: Stage, notification: str = "") -> float | None:
        if first not in self.reached or last not in self.reached:
            return None
        return max(self.reached[last] - self.reached[first] - self._waited.get(notification, 0.0), 0.0) * 1000


def _is_done(name: str, state: State, reached: dict[Stage, float]) -> bool:
    if name == "plan":
        return state.phase is not Phase.PLANNED
    if name in {"ended", "resumed", "released"}:
        ending = {Phase.ENDING, Phase.PROVING} if name != "ended" else set()
        return state.phase in ending or (state.phase is Phase.OVER and _succeeded(state))
    if name == "proved":
        return state.outcome is Outcome.SUCCEEDED
    return any(stage in reached for stage in _BEGINNINGS[name])


def _succeeded(state: State) -> bool:
    return state.outcome in {Outcome.SUCCEEDED, Outcome.DOUBTFUL}


def _state_of(name: str, state: State, *, first: bool) -> StepState:
    if state.outcome is None:
        return StepState.RUNNING if first and state.held is None else StepState.TODO
    if name == "proved" and state.outcome is Outcome.DOUBTFUL:
        return StepState.FAILED
    return StepState.FAILED if first and state.outcome is Outcome.FAILED else StepState.SKIPPED
