"""Events between the thread that reads them and the one that takes them: so many and no more."""

from collections.abc import Sequence

from workbench.evidence.event import Event, EventKind


class Waiting:
    """Events in the order they were put; what finds no room becomes one LOSS, told after those that did."""

    def __init__(self, most: int) -> None:
        """``most`` events wait, and a LOSS beside them."""
        self._most = most
        self._events: list[Event] = []
        self._untaken = 0
        self._untaken_since_ns = 0
        self.lost = 0
        """Events that are known to be missing of all that were put."""

    def __bool__(self) -> bool:
        return bool(self._events)

    def put(self, events: Sequence[Event]) -> None:
        room = self._most - len(self._events)
        kept, dropped = events[:room], events[room:]
        self._events += kept
        untaken = sum(_missing(event) for event in dropped)
        self.lost += untaken + sum(event.lost for event in kept)
        if dropped and not self._untaken:
            self._untaken_since_ns = dropped[0].at_ns
        self._untaken += untaken

    def take(self) -> list[Event]:
        """All of them, once; empty if there are none."""
        events, self._events = self._events, []
        if self._untaken:
            events.append(Event(self._untaken_since_ns, EventKind.LOSS, lost=self._untaken, reason="nobody took them"))
            self._untaken = 0
        return events


def _missing(event: Event) -> int:
    return event.lost if event.kind is EventKind.LOSS else 1
