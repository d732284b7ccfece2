"""Where evidence comes from: nothing above a Source can ask whether it is live or recorded."""

from typing import Protocol

from workbench.evidence import Evidence


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
