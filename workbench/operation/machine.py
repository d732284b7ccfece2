"""What happens next in a dump or a restore: (state, event) -> (state, commands), without clock, host or file.

The order is CRIU's (criu/cr-dump.c, criu/cr-restore.c). Wherever it notifies, it waits for an answer; ``no`` makes it
undo all at ``pre-dump``, ``query-ext-files``, ``post-dump``, ``pre-restore`` and ``post-restore``, and is ignored once
the connections are unlocked (``pre-resume``, ``post-resume``).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from workbench.operation.progress import Outcome
from workbench.operation.request import Hold

LEFT = "left as it is"
"""Last transition of an operation that is over, with something left for ``recover``."""
FROZEN, IMAGES_COMPLETE = "query-ext-files", "post-dump"
RESTORED, UNLOCKED, RELEASED = "post-restore", "pre-resume", "post-resume"
"""Notifications of CRIU with what is true when they come."""


class Phase(StrEnum):
    """Where an operation stands."""

    PLANNED = "planned"
    STARTED = "started"
    """CRIU runs; nothing is touched yet."""
    FROZEN = "frozen"
    """Dump: all tasks stopped; CRIU locks and writes."""
    IMAGES_COMPLETE = "images complete"
    """Dump: connections locked, tasks neither ended nor let go."""
    LETTING_GO = "letting go"
    """Dump: CRIU ends the tasks, or unlocks and lets them run on."""
    RESTORED = "restored"
    """Restore: tasks there and blocked, connections still locked."""
    RELEASING = "releasing"
    """Restore: CRIU unlocks and lets the tasks go; there is no way back."""
    UNDOING = "undoing"
    """CRIU was refused and undoes what it did."""
    ENDING = "ending"
    """Dump: waiting until every process of the tree is gone."""
    PROVING = "proving"
    CHECKING = "checking"
    """It ended otherwise than planned: what stands on the host is looked at and put right."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class State:
    """All that decides what happens next."""

    kind: str
    """``dump`` or ``restore``."""
    holds: frozenset[Hold] = frozenset()
    runs_on: bool = False
    """Dump with --leave-running."""
    phase: Phase = Phase.PLANNED
    held: Hold | None = None
    back: bool = False
    """Turning back was asked for."""
    reason: str = ""
    """Why it failed, as CRIU or the executor told."""
    outcome: Outcome | None = None

    @property
    def can_turn_back(self) -> bool:
        return not self.back and self.phase in _REVERSIBLE


_WAITING = {
    Phase.STARTED,
    Phase.FROZEN,
    Phase.IMAGES_COMPLETE,
    Phase.LETTING_GO,
    Phase.RESTORED,
    Phase.RELEASING,
    Phase.UNDOING,
}
"""Phases in which a transition is journaled while CRIU still waits, so that it can be refused."""
_REVERSIBLE = {Phase.PLANNED, Phase.STARTED, Phase.FROZEN, Phase.IMAGES_COMPLETE, Phase.RESTORED}


# Events


@dataclass(frozen=True, slots=True)
class Begin:
    pass


@dataclass(frozen=True, slots=True)
class Notified:
    """CRIU waits for an answer."""

    name: str


@dataclass(frozen=True, slots=True)
class Proceed:
    """A person goes on from a hold."""


@dataclass(frozen=True, slots=True)
class TurnBack:
    """A person wants it undone."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What the operation depends on elsewhere does not come: it is undone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """CRIU's answer to the request."""

    success: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CriuDied:
    """CRIU ended without an answer, or could not be started."""

    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Every process of the dumped tree is gone, zombies too, and the images are whole; ``doubt``: what is not so."""

    doubt: str = ""


@dataclass(frozen=True, slots=True)
class JournalLost:
    """A transition could not be journaled, so that what it announced was not done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Proved:
    """Every connection was judged."""

    all_continue: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What stands on the host was looked at, and put right where that was needed."""

    sound: bool
    finding: str
    """What stands there now, in one or two sentences."""


Event = Begin | Notified | Proceed | TurnBack | Refused | Answered | CriuDied | Settled | JournalLost | Proved | Checked

# Commands


@dataclass(frozen=True, slots=True)
class Journal:
    """Write the transition to the disk before anything that follows."""

    transition: str


@dataclass(frozen=True, slots=True)
class StartCriu:
    pass


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer CRIU's notification."""

    accept: bool


@dataclass(frozen=True, slots=True)
class Guard:
    """Have the tasks stay stopped even if CRIU, which holds them, dies: their sockets are in repair mode now."""


@dataclass(frozen=True, slots=True)
class Unguard:
    """Take the guard away again."""


@dataclass(frozen=True, slots=True)
class ReadSockets:
    """Read sequence numbers and queues of the stopped connections."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until the dumped tree is gone, and read the images."""


@dataclass(frozen=True, slots=True)
class Prove:
    """Judge whether each connection goes on."""


@dataclass(frozen=True, slots=True)
class Check:
    """Look at what stands on the host, and put it right."""


@dataclass(frozen=True, slots=True)
class Finish:
    outcome: Outcome
    error: str = ""


Command = Journal | StartCriu | Answer | Guard | Unguard | ReadSockets | Settle | Prove | Check | Finish
Step = tuple[State, tuple[Command, ...]]


def advance(state: State, event: Event) -> Step:
    """The next state, and what to do now, in this order. An event that means nothing here changes nothing."""
    match event:
        case Begin() if state.phase is Phase.PLANNED:
            return replace(state, phase=Phase.STARTED), (StartCriu(),)
        case Notified(name) if state.phase is not Phase.OVER:
            return _notified(state, name)
        case Proceed() if state.held:
            return _answer(replace(state, held=None), accept=True)
        case TurnBack() if state.held:
            return _answer(replace(state, held=None, back=True), accept=False)
        case TurnBack() if state.phase is Phase.PLANNED:
            return _finish(replace(state, back=True), Outcome.TURNED_BACK)
        case TurnBack() if state.can_turn_back:
            return replace(state, back=True), ()
        case Refused(reason) if state.held:
            return _answer(replace(state, held=None, reason=reason), accept=False)
        case Refused(reason) if state.can_turn_back:
            return replace(state, back=True, reason=reason), ()
        case Answered(success, reason) if state.phase not in {Phase.CHECKING, Phase.OVER}:
            return _answered(state, success, reason)
        case CriuDied(reason) if state.phase not in {Phase.CHECKING, Phase.OVER}:
            state = replace(state, phase=Phase.CHECKING, held=None, back=False, reason=reason)
            return state, (Journal("criu died"), Check())
        case Settled(doubt) if state.phase is Phase.ENDING:
            return _finish(state, Outcome.DOUBTFUL if doubt else Outcome.SUCCEEDED, doubt)
        case JournalLost(reason) if state.phase in _WAITING:
            guard = (Unguard(),) if state.phase in {Phase.IMAGES_COMPLETE, Phase.LETTING_GO} else ()
            return replace(state, phase=Phase.UNDOING, held=None, reason=reason), (*guard, Answer(accept=False))
        case Proved(all_continue) if state.phase is Phase.PROVING:
            return _finish(state, Outcome.SUCCEEDED if all_continue else Outcome.DOUBTFUL)
        case Checked(sound, finding) if state.phase is Phase.CHECKING:
            undone = state.back and sound
            error = "" if undone else " ".join(part for part in (state.reason, finding) if part)
            ending = None if sound else LEFT
            return _finish(state, Outcome.TURNED_BACK if undone else Outcome.FAILED, error, ending)
    return state, ()


def _notified(state: State, name: str) -> Step:
    if name == RESTORED:
        return _arrived(replace(state, phase=Phase.RESTORED), Hold.RESTORED, ReadSockets())
    if name == FROZEN:
        return _arrived(replace(state, phase=Phase.FROZEN), Hold.FROZEN)
    if name == IMAGES_COMPLETE:
        return _arrived(replace(state, phase=Phase.IMAGES_COMPLETE), Hold.IMAGES_COMPLETE, Guard(), ReadSockets())
    if name in {UNLOCKED, RELEASED}:  # an answer of no is ignored by CRIU here
        return state, (Journal(name), Answer(accept=True))
    if state.back:
        return replace(state, phase=Phase.UNDOING), (Journal(f"{name}, turning back"), Answer(accept=False))
    return state, (Journal(name), Answer(accept=True))


def _arrived(state: State, hold: Hold, *acts: Command) -> Step:
    """CRIU waits at a point where a person may look around."""
    arrival = (Journal(state.phase.value), *acts)
    if not state.back and hold in state.holds:
        return replace(state, held=hold), arrival
    state, answer = _answer(state, accept=not state.back)
    return state, (*arrival, *answer)


def _answer(state: State, accept: bool) -> Step:
    guard: tuple[Command, ...] = (Unguard(),) if state.phase is Phase.IMAGES_COMPLETE else ()
    if not accept:
        return replace(state, phase=Phase.UNDOING), (Journal("turning back"), *guard, Answer(accept=False))
    following = {Phase.IMAGES_COMPLETE: Phase.LETTING_GO, Phase.RESTORED: Phase.RELEASING}.get(state.phase, state.phase)
    transition = following.value if following is not state.phase else f"{state.phase.value}, going on"
    return replace(state, phase=following), (Journal(transition), *guard, Answer(accept=True))


def _answered(state: State, success: bool, reason: str) -> Step:
    if not success:
        undone = state.phase is Phase.UNDOING
        told = state.reason if undone else reason
        state = replace(state, phase=Phase.CHECKING, back=undone and not told, reason=told)
        return state, (Journal("criu failed"), Check())
    if state.kind == "restore" or state.runs_on:
        return replace(state, phase=Phase.PROVING), (Journal("criu succeeded"), Prove())
    return replace(state, phase=Phase.ENDING), (Journal("criu succeeded"), Settle())


def _finish(state: State, outcome: Outcome, error: str = "", ending: str | None = None) -> Step:
    state = replace(state, phase=Phase.OVER, outcome=outcome)
    return state, (Journal(ending or f"ended: {outcome}"), Finish(outcome, error))
