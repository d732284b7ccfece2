"""What other threads tell the application."""

from textual.message import Message

from workbench.operation.progress import Progress
from workbench.tui.collector import Moment


class MomentTaken(Message):
    """The collector has finished a round; only the newest one matters."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.moment = moment

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, MomentTaken)


class LookFailed(Message):
    """The collector could not look."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Progressed(Message):
    """An operation has published a new snapshot; only the newest one matters."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Progressed)
