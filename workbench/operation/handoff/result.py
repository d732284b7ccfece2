"""What came of a hand-off."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.evidence import Connection


class HandoffOutcome(StrEnum):
    """Where the connection is now."""

    HANDED_OVER = "handed over"
    """The recipient has it."""
    IN_FILE = "in a file"
    """Nobody has it: it is in the file, and locked."""
    WITH_OLD_OWNER = "with its old owner"
    """It failed, and everything is as it was before."""
    FAILED = "failed"
    """It failed, and the connection could not be put back; the sentence says what stands."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A hand-off that is over."""

    outcome: HandoffOutcome
    sentence: str
    """What happened, one or two sentences; printable after ``printable()``."""
    connection: Connection
    laps: tuple[tuple[str, float], ...] = ()
    """Name and milliseconds of each part, in order."""
    frozen_ms: float | None = None
    """How long the old owner stood still; None if there was none."""
    locked_ms: float | None = None
    """From lock to release; None if it is locked still."""
    bytes_compared: int = 0
    """Of both queues, read back from the new socket and found the same."""
    answered: bool = False
    """The peer has spoken to the new socket since."""
    recipient: int = 0
    """Its pid; 0 if it is not known."""
    file: str = ""
    """Where the state lies; empty if it is not needed any more."""
    journal: str = ""

    @property
    def succeeded(self) -> bool:
        return self.outcome in {HandoffOutcome.HANDED_OVER, HandoffOutcome.IN_FILE}
