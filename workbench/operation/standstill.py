"""Processes stopped for a moment, and let go again whatever happens meanwhile."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from workbench.errors import WorkbenchError
from workbench.operation.task import Task, Tasks

_STOPS_S = 2.0
_POLL_S = 0.0002


@contextmanager
def standing_still(pids: Iterable[int], write: Callable[..., None]) -> Iterator[None]:
    """Hold processes still; those that ran before run on afterwards.

    ``write`` journals beforehand who will have to be let go (``stopped``). Raises WorkbenchError if one does not stop.
    """
    with Tasks((pid, None) for pid in dict.fromkeys(pids)) as tasks:
        running = [task for task in tasks.alive if task.state not in "tT"]
        if not running:
            yield
            return
        write("stopping", stopped=[(task.pid, task.start_time) for task in running])
        try:
            stop(running)
            yield
        finally:
            for task in running:
                task.signal(signal.SIGCONT)


def stop(tasks: Iterable[Task]) -> None:
    """SIGSTOP, and wait until every thread stands still. Raises WorkbenchError if one does not."""
    held = tuple(tasks)
    for task in held:
        task.signal(signal.SIGSTOP)
    deadline = time.monotonic() + _STOPS_S
    for task in held:
        while any(state not in "tTZX" for state in task.threads):
            if time.monotonic() > deadline:
                raise WorkbenchError(f"Process {task.pid} cannot be stopped", "look at it again in a moment")
            time.sleep(_POLL_S)  # nobody but its parent is told of a stop
