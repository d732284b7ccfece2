"""SIGINT or SIGTERM as something to wait for, so that a command can end in order."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Remembers that one of the two has come; what is being written then is written to its end.

    An eventfd, since a handler that runs while a lock of ``threading`` is taken could wait for itself for ever.
    """

    def __init__(self, patience: int | None = None) -> None:
        """After ``patience`` of them, which are remembered alone, the next raises KeyboardInterrupt, once."""
        self._patience = patience

    def __enter__(self) -> Self:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._former = {number: signal.signal(number, self._come) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def within(self, seconds: float) -> bool:
        """Whether one has come, or comes within so many seconds."""
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def _come(self, number: int, frame: FrameType | None) -> None:
        os.eventfd_write(self._descriptor, 1)
        if self._patience is not None:
            # What comes after the one that raises must not disturb those who put things in order because of it.
            self._patience -= 1
            if self._patience == -1:
                raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._descriptor)
