"""The keeper of an operation's peers: a process beside it, found or started, watched by its journal."""

import signal
import threading
from collections.abc import Callable

from workbench.errors import WorkbenchError
from workbench.operation.journal import ENDED, read_entry
from workbench.operation.keeper import keeper_of, start_keeper
from workbench.operation.progress import PeerKeeping
from workbench.operation.task import Task
from workbench.present.text import printable


class KeeperBeside:
    """At most one for an image directory."""

    def __init__(self, images: str, netns: str | None = None) -> None:
        """``images``: absolute; ``netns``: path of the namespace of the lock, if not that of the dump."""
        self._images, self._netns = images, netns
        self._entry = keeper_of(images)
        self._problem = ""
        self._starting: threading.Thread | None = None

    @property
    def exists(self) -> bool:
        """Somebody answers already, or was to begin."""
        return self._entry is not None or self._starting is not None or bool(self._problem)

    def begin(self, told: Callable[[], object] = lambda: None) -> None:
        """Start one beside, unless there is one; ``told`` is called, in a thread, when it answers or cannot."""
        if not self.exists:
            self._starting = threading.Thread(target=self._start, args=(told,), name="keeper", daemon=True)
            self._starting.start()

    def await_begun(self) -> None:
        """Until it answers, or it is known that it cannot: half a second."""
        if self._starting is not None:
            self._starting.join()

    def _start(self, told: Callable[[], object]) -> None:
        try:
            start_keeper(self._images, self._netns)
            self._entry = keeper_of(self._images)
        except (WorkbenchError, OSError) as error:
            self._problem = printable(str(error))
        told()

    def look(self) -> PeerKeeping:
        """How it stands."""
        entry = read_entry(self._entry.path) if self._entry else None
        if entry is None:
            return PeerKeeping(problem=self._problem)
        answered = int(entry.facts.get("answered", 0))
        if entry.ended:
            return PeerKeeping(0, answered, ending=printable(entry.transitions[-1].removeprefix(ENDED)))
        if not entry.workbench_alive:
            return PeerKeeping(0, answered, problem="it was killed: workbench keeper begins again")
        return PeerKeeping(int(entry.begun["workbench"][0]), answered)

    def stop(self) -> None:
        """The connections speak for themselves again: nobody else may."""
        self.await_begun()
        task = Task.hold(*self._entry.begun["workbench"]) if self._entry else None
        if task is not None:
            task.signal(signal.SIGTERM)
            task.close()
