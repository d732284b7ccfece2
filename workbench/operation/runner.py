"""The handle by which a front end runs an operation."""

from collections.abc import Callable
from typing import Protocol

from workbench.operation.progress import Progress


class Operation(Protocol):
    """A running operation. Methods may be called from any thread and return at once."""

    def start(self, publish: Callable[[Progress], None]) -> None:
        """Begin in a thread of its own; ``publish`` is called there with each new snapshot."""

    def proceed(self) -> None:
        """Go on from the hold where it waits."""

    def turn_back(self) -> None:
        """Undo: at a hold at once, else at the next point where CRIU lets one; ignored after the last."""

    def wait(self, timeout: float | None = None) -> Progress:
        """Block until the outcome is known and return the last snapshot; TimeoutError if it is not."""
