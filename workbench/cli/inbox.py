"""What a command waits for while an operation runs: its snapshots, an answer that is typed, and signals."""

import contextlib
import os
import queue
import select
import signal
import sys
from types import FrameType, TracebackType

from workbench.operation.progress import Progress

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that turn an operation back: without a handler the last two would leave processes stopped."""


class Signalled:
    """One of the signals has come."""


class Inbox:
    """A context manager; while it is open, ``ENDING`` signals are items instead of the end of the process."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Progress | Signalled] = queue.SimpleQueue()
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def put(self, item: Progress | Signalled) -> None:
        """Called in any thread, and by handlers of signals."""
        self._items.put(item)
        with contextlib.suppress(OSError):  # full: whoever waits is awake; or closed: nobody waits
            os.write(self._writing, b"\0")

    def next(self, *, typed: bool) -> Progress | Signalled | str:
        """Wait for the next item or, with ``typed``, for a line of standard input (empty at its end)."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._items.get_nowait()
            ready, _, _ = select.select([self._reading, *([sys.stdin] if typed else [])], [], [])
            if self._reading in ready:
                os.read(self._reading, 4096)
            elif ready:
                return self._line()

    def _line(self) -> str:
        try:
            return sys.stdin.readline()
        except OSError:  # EIO: the terminal is gone
            return ""

    def __enter__(self) -> "Inbox":
        # one that the caller has chosen to ignore (nohup) stays ignored
        wanted = (each for each in ENDING if signal.getsignal(each) is not signal.SIG_IGN)
        self._before = {each: signal.signal(each, self._signalled) for each in wanted}
        return self

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.put(Signalled())

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)
