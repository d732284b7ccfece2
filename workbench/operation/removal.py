"""What is to become of leftover locks: which go, which stay and why, and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.evidence import Gap, Lock, NetworkNamespace, Socket
from workbench.evidence.lock_map import LockUse

CONFIRMATION = "remove"
"""The word that a person types to go on."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A lock that goes."""

    use: LockUse
    namespace: NetworkNamespace
    stuck: tuple[Socket, ...] = ()
    """Sockets that a killed CRIU left in repair mode: taken out of it before the lock goes, while their processes are
    stopped for some milliseconds."""
    loses: str = ""
    """What nothing can bring back afterwards, one sentence; empty if nothing is lost."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A lock that stays."""

    use: LockUse
    reason: str
    """May contain names from outside."""
    in_use: bool = False
    """Somebody works on it or waits for it, so that it is no leftover."""
    loses: str = ""
    """What it would cost to remove it even if it is needed, one sentence; empty if it stays even then."""


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What would be done; nothing is done yet."""

    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]
    commands: tuple[str, ...] = ()
    """All that is run, in this order, each as a person could type it."""
    even_if_needed: bool = False
    named: bool = False
    """Somebody named the locks that are meant, so that one that stays is a refusal."""
    images: tuple[str, ...] | None = None
    """Image directories that were looked at when it was made; None if nobody looked for any."""
    gaps: tuple[Gap, ...] = ()
    """What could not be read: rules may stand there."""

    @property
    def locks(self) -> tuple[Lock, ...]:
        """Those that go."""
        return tuple(each.use.lock for each in self.removals)

    @property
    def by_namespace(self) -> tuple[tuple[NetworkNamespace, tuple[Removal, ...]], ...]:
        """The removals of each namespace, which are done at once."""
        spaces = dict.fromkeys(each.namespace for each in self.removals)
        return tuple((space, tuple(each for each in self.removals if each.namespace == space)) for space in spaces)


@dataclass(frozen=True, slots=True)
class Removed:
    """What was done."""

    lifted: tuple[Lock, ...] = ()
    failed: tuple[tuple[Lock, str], ...] = ()
    """Locks that still stand, each with the reason."""
    woken: Sequence[str] = ()
    """Connections that were taken out of repair mode."""
