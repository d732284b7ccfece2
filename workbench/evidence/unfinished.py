"""Operations that a journal says were begun and not ended."""

from dataclasses import dataclass

from workbench.evidence.socket import Connection


@dataclass(frozen=True, slots=True)
class UnfinishedOperation:
    """What the journal of an operation says; whether it still runs is found by ``(pid, start_time)``."""

    id: str
    kind: str
    """``dump`` or ``restore``."""
    started: float
    """Seconds since the epoch."""
    last: str
    """Last transition that was journaled."""
    pid: int
    """Root of the dumped tree (dump), or the pid in the images (restore)."""
    command: str
    netns: int
    images: str
    """Image directory."""
    connections: tuple[Connection, ...]
    workbench_alive: bool
    """The workbench that began it still runs: hands off."""
    criu_alive: bool
