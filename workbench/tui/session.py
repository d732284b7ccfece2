"""The operation that the application follows: under way, or the last one."""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.operation.diagnosis import Diagnosis
from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome, Progress
from workbench.operation.request import DumpRequest
from workbench.operation.runner import Operation
from workbench.tui.operations import Prepared


@dataclass
class Session:
    """One operation with its newest snapshot."""

    plan: Plan
    operation: Operation
    again: Callable[[], Prepared] | None = None
    """Prepares what a plain restore of its images would not be, if it came to nothing."""
    progress: Progress | None = None
    diagnosis: Diagnosis | None = None
    """Why it failed, once its log was judged."""

    @property
    def is_open(self) -> bool:
        """It has no outcome yet."""
        return self.progress is None or self.progress.outcome is None

    @property
    def is_held(self) -> bool:
        return self.progress is not None and self.progress.held is not None

    @property
    def can_restore(self) -> bool:
        """Its images can be restored: they are complete and their processes ended, or a restore came to nothing."""
        progress = self.progress
        if progress is None:
            return False
        if isinstance(self.plan.request, DumpRequest):
            done = progress.outcome in {Outcome.SUCCEEDED, Outcome.DOUBTFUL}
            return done and not self.plan.request.leave_running and progress.transfer is None
        return progress.outcome in {Outcome.TURNED_BACK, Outcome.FAILED}

    @property
    def images(self) -> str:
        return (self.progress.images if self.progress else "") or self.plan.request.images
