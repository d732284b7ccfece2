"""From older formats of bundles to today's, one step a version: each step maps one member as it was to what it is."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.evidence.recording import FORMAT

Step = Callable[[str, Any], Any]
"""Given ``manifest.json`` or the name of a section, and its JSON in one format, gives that of the next."""

STEPS: Mapping[int, Step] = {}
"""By the version that is migrated from. A step may raise Malformed; it finds what a hostile bundle put there."""


def migrate(member: str, version: int, found: Any) -> Any:
    """A member of a bundle of ``version`` in today's form."""
    for step in range(version, FORMAT):
        found = STEPS[step](member, found)
    return found
