"""What several checks need and only the whole of the evidence tells; worked out once, when the first one asks."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from workbench.evidence import Capture, Evidence, Gap

if TYPE_CHECKING:  # a log is judged in less time than these take to load
    from workbench.checking.landing import Landing
    from workbench.checking.survival import Verdict
    from workbench.evidence.attribution import Attribution
    from workbench.evidence.lock_map import LockUse
    from workbench.evidence.packet_notes import Flow


def lock_uses(evidence: Evidence) -> "tuple[LockUse, ...] | Gap":
    """Every lock with what it belongs to and what that means."""
    if isinstance(evidence.locks, Gap):
        return evidence.locks
    from workbench.evidence.lock_map import map_locks

    return map_locks(evidence)


def flows(evidence: Evidence) -> "tuple[tuple[Capture, Flow], ...] | Gap":
    """Every connection of every capture, followed."""
    if isinstance(evidence.captures, Gap):
        return evidence.captures
    from workbench.evidence.packet_notes import follow

    return tuple((capture, flow) for capture in evidence.captures for flow in follow(capture.packets).flows)


def verdicts(evidence: Evidence) -> "tuple[Verdict, ...] | Gap":
    """What a dump would make of each process and open file of its target."""
    if isinstance(evidence.target, Gap):
        return evidence.target
    from workbench.checking.survival.tree import verdicts as of_target

    return of_target(evidence)


def landing(evidence: Evidence) -> "Landing | Gap":
    """Where the target will be restored."""
    from workbench.checking.landing import landing as of_target

    return of_target(evidence)


def resets(evidence: Evidence) -> "tuple[Attribution, ...] | Gap":
    """Who reset which connection, by recorded events and what else was recorded with them."""
    if isinstance(evidence.events, Gap):
        return evidence.events
    from workbench.evidence.reset_witness import recorded_resets

    return recorded_resets(evidence)


DERIVED: Mapping[str, Callable[[Evidence], object]] = {
    "flows": flows,
    "landing": landing,
    "lock_uses": lock_uses,
    "resets": resets,
    "verdicts": verdicts,
}
"""By the name under which a check asks for it; a Gap like any section where it cannot be told."""


class Sections:
    """Sections of one evidence by name, those of ``DERIVED`` among them."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._known: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name not in DERIVED:
            return getattr(self._evidence, name)
        if name not in self._known:
            self._known[name] = DERIVED[name](self._evidence)
        return self._known[name]
