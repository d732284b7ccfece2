"""A piece of a timeline that is being recorded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.evidence.attribution import Attribution
from workbench.evidence.event import Event
from workbench.evidence.gap import Gap


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A piece of the timeline; the next one begins where it ends."""

    events: Sequence[Event] = ()
    """In their order. Likewise the following."""
    attributions: Sequence[Attribution] = ()
    until_ns: float = math.inf
    """Nothing that happened before then will follow."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Of network namespaces, by inode; those that have none are left out. Hostile."""
    lost: int = 0
    """Records that are known to be missing since the beginning."""
    left_out: int = 0
    """Events since the beginning that were seen, but are not told here."""
    gaps: tuple[Gap, ...] = ()
    refused: Gap | None = None
    """Why nothing is recorded at all."""
