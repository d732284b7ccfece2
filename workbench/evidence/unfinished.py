"""Operations that a journal says were begun and not ended."""

from dataclasses import dataclass

from workbench.evidence.socket import Connection


@dataclass(frozen=True, slots=True)
class UnfinishedOperation:
    """What the journal of an operation says; whether it still runs is found by ``(pid, start_time)``."""

    id: str
    kind: str
    """``dump``, ``restore``, ``handoff``, ``keeper``, or ``unlock`` where locks alone were removed."""
    started: float
    """Seconds since the epoch."""
    last: str
    """Last transition that was journaled."""
    pid: int
    """Root of the dumped tree (dump), or the pid in the images (restore); 0 for an unlock."""
    command: str
    """Of that process; how many locks for an unlock. Hostile."""
    netns: int
    images: str
    """Image directory; empty for an unlock."""
    connections: tuple[Connection, ...]
    workbench_alive: bool
    """The workbench that began it still runs: hands off."""
    criu_alive: bool

    @property
    def title(self) -> str:
        """What was being done: ``dump of server 4645``, ``removal of 2 locks``."""
        if self.kind == "unlock":
            return f"removal of {self.command}"
        return f"{self.kind} of {self.command} {self.pid or ''}".rstrip()
