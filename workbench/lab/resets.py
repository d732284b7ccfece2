"""Who reset the connections of a lab, recorded while a scenario goes on."""

import time
from collections.abc import Collection
from types import TracebackType

from workbench.collect.events.reader import EventReader
from workbench.errors import WorkbenchError
from workbench.evidence import Endpoint
from workbench.evidence.attribution import Attribution, Cause, attribute
from workbench.evidence.event import Event
from workbench.lab.lab import Lab
from workbench.lab.programs.arguments import endpoint

PATIENCE_S = 10.0
"""How long the resets that the scenario promises may take."""
SETTLE_S = 0.3
"""How long others are waited for that nobody promised."""


class ResetWatch:
    """Records from entering to leaving what happens to the server's connections, at both ends."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._netns: set[int] = set()
        self._see_hosts()
        self._server = Endpoint(*endpoint(lab.scenario.server.listen))
        self._reader = EventReader()
        self._events: list[Event] = []

    def _see_hosts(self) -> None:
        """Know the hosts as they are now; one that reboots is another namespace from then on."""
        self._netns |= {namespace.inode for namespace in self._lab.namespaces}

    def attributions(self, expected: Collection[str]) -> tuple[Attribution, ...]:
        """Every reset so far, as soon as all that are expected are there; oldest first."""
        self._see_hosts()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            until = time.monotonic() + SETTLE_S
            while (left := until - time.monotonic()) > 0:
                self._events += self._reader.take(left)
            own = [event for event in self._events if event.netns in self._netns]
            found = tuple(
                one for one in attribute(own)
                if one.connection and self._server in {one.connection.local, one.connection.peer}
                and one.cause is not Cause.DROP_RULE
            )  # fmt: skip
            if {*expected} <= {one.cause for one in found} or time.monotonic() > deadline:
                return found

    def __enter__(self) -> "ResetWatch":
        gap = self._reader.start()
        if gap or self._reader.gaps:
            gap = gap or self._reader.gaps[0]
            self._reader.close()
            raise WorkbenchError(f"the lab cannot see who resets its connections: {gap.reason}", gap.remedy)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
