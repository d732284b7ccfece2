"""A lab beside the application: it starts and ends without keeping anybody waiting."""

import threading
from collections.abc import Callable
from dataclasses import replace

from workbench.errors import WorkbenchError
from workbench.lab.lab import Lab
from workbench.lab.migrating import destination
from workbench.lab.scenario import Scenario, load


class LabHandle:
    """A lab that starts in a thread of its own."""

    def __init__(self, lab: Lab, on_ready: Callable[["LabHandle"], None] | None) -> None:
        self.lab = lab
        self.problem = ""
        """Why it could not start, one sentence; empty as long as it did not fail."""
        self._started = threading.Event()
        self._on_ready = on_ready
        self._thread = threading.Thread(target=self._start, name="lab", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """The situation was reached once; programs and connections are there."""
        return self._started.is_set() and not self.problem

    @property
    def server_pid(self) -> int | None:
        """The program to dump; None until it is ready."""
        return self.lab.server_pid if self.ready else None

    @property
    def destination(self) -> tuple[str, ...]:
        """Command of a half of `migrate` on another of its hosts; empty if none can take the program."""
        return destination(self.lab) if self.ready else ()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it has started or failed; whether it is ready."""
        self._started.wait(timeout)
        return self.ready

    def close(self) -> tuple[str, ...]:
        """End it (some ten milliseconds; longer if it is only just starting); what could not be ended."""
        self._thread.join()
        return self.lab.close()

    def _start(self) -> None:
        try:
            self.lab.start()
        except WorkbenchError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"the lab could not start: {error}"
        self._started.set()
        if self._on_ready:
            self._on_ready(self)


def start_for_application(name: str, on_ready: Callable[[LabHandle], None] | None = None) -> LabHandle:
    """Start a scenario and return at once; ``on_ready`` is called in the lab's thread when it is up or has failed.

    Raises WorkbenchError if there is no such scenario.
    """
    return LabHandle(Lab(within_reach(load(name))), on_ready)


def within_reach(scenario: Scenario) -> Scenario:
    """The server's host shares its pids with whoever is to try things on it: CRIU dumps what it sees."""
    name = scenario.server.host
    host = replace(scenario.hosts[name], own_pids=False)
    return replace(scenario, hosts={**scenario.hosts, name: host})
