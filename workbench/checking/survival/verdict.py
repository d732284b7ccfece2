"""What CRIU will make of one thing that a process has open, and how that is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from workbench.evidence import Descriptor, Process, Socket


class Answer(IntEnum):
    """From good to bad."""

    OK = 0
    """Dumped, and restored as it was."""
    NEEDS = 1
    """Likewise, with an option that CRIU is not given by default."""
    LOSES = 2
    """Dumped and restored, but something of it is gone afterwards."""
    UNKNOWN = 3
    """What decides it could not be looked at."""
    STRANDS = 4
    """Dumped, and the process ended, but no restore of these images will succeed: the worst, as nothing warns."""
    REFUSED = 5
    """The dump fails, and the process runs on."""

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Answer.OK: "ok",
    Answer.NEEDS: "ok with an option",
    Answer.LOSES: "something is lost",
    Answer.UNKNOWN: "unknown",
    Answer.STRANDS: "dumped, but cannot be restored",
    Answer.REFUSED: "CRIU refuses",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement; a socket may have several (it needs an option, and loses another of its own)."""

    answer: Answer
    cause: str
    """Name of the check that tells of it; empty for plain OK."""
    reason: str
    """A clause: ``restored listening``, ``its other end is outside of the tree (process 7)``. Hostile."""
    message: str = ""
    """What CRIU's log says then, without its numbers; empty if it says nothing."""
    option: str = ""
    """What must be given: ``--tcp-established``. On NEEDS of the dump and of the restore, on REFUSED of the dump."""
    socket: Socket | None = None
    descriptor: Descriptor | None = None
    process: Process | None = None
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)


def worst(verdicts: Iterable[Verdict]) -> Answer:
    """The answer for all of them together."""
    return max((each.answer for each in verdicts), default=Answer.OK)
