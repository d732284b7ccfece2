"""One checkpoint of a process, kept in memory and on the disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Generation:
    """One checkpoint; its manifest is the last thing that is written of it."""

    number: int
    """From 1, never given twice to one process."""
    pid: int
    command: str
    """Hostile."""
    taken: float
    """Seconds since the epoch."""
    boot_id: str
    bytes: int
    connections: int
    memory: str
    """Directory of the images in memory; empty if there is none any more."""
    disk: str
    """Directory of the images on the disk; empty while they are not written out."""
    checksums: Mapping[str, int]
    """CRC-32 of each image by its name, taken while it was written out."""
    stopped_ms: float | None = None
    """How long the process stood still for it."""
    written_ms: float | None = None
    """How long it took until it was safe on the disk, while the process ran."""

    @property
    def images(self) -> str:
        """Where to restore from; empty if they are nowhere any more."""
        for place in (self.memory, self.disk):
            if place and Path(place, "inventory.img").exists():
                return place
        return ""
