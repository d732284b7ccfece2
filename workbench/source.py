"""Where evidence comes from: nothing above a Source can ask whether it is live or recorded."""

from dataclasses import dataclass
from typing import Protocol, TypeGuard

from workbench.evidence import Evidence
from workbench.evidence.recording import RecordedFinding, RecordedMoment


class Source(Protocol):
    """Gives evidence, again and again (a live host) or the same each time (something recorded)."""

    @property
    def label(self) -> str:
        """One word or path for the header line: the host's name, or the file."""

    @property
    def is_live(self) -> bool:
        """Whether another look can differ and operations are possible; screens grey actions out by it."""

    def evidence(self) -> Evidence:
        """Look now. Never raises for what cannot be read: that is a Gap."""

    def close(self) -> None:
        """Release descriptors and child processes."""


@dataclass(frozen=True, slots=True)
class Files:
    """What was read of files, once: a source of one moment."""

    label: str
    known: Evidence

    @property
    def is_live(self) -> bool:
        return False

    def evidence(self) -> Evidence:
        return self.known

    def close(self) -> None:
        """Nothing is open."""


class Recording(Source, Protocol):
    """A source that has several moments, one after the other, and stands at one of them."""

    @property
    def moments(self) -> tuple[RecordedMoment, ...]:
        """At least one, in their order."""

    @property
    def at(self) -> int:
        """Number of the moment that ``evidence`` gives, from 0."""

    @property
    def tool(self) -> str:
        """Version of the workbench that recorded it; hostile."""

    def go(self, number: int) -> None:
        """Give another moment from now on; the nearest one if there is none such."""

    def findings(self) -> tuple[RecordedFinding, ...]:
        """What the checks said when it was recorded, moment by moment."""


def is_recording(source: Source) -> TypeGuard[Recording]:
    """Whether it has moments to step through."""
    return hasattr(source, "moments")
