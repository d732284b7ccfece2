"""Stages of a CRIU log as events."""

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType

from workbench.evidence import LogLine
from workbench.evidence.event import Event, EventKind


def stage_events(lines: Iterable[LogLine], began_ns: int) -> Iterator[Event]:
    """One for each line that begins a stage; ``began_ns``: CLOCK_MONOTONIC when CRIU started."""
    for line in lines:
        if line.stage is not None and line.seconds is not None:
            yield Event(
                began_ns + round(line.seconds * 1e9),
                EventKind.STAGE,
                command="criu",
                reason=line.stage.value,
                details=MappingProxyType({"log": line.message or line.text, "line": line.number}),
            )


def began_ns(lines: Iterable[LogLine], written_ns: int) -> int | None:
    """When CRIU started, if its last line with a time stamp was written at ``written_ns``; None without such a line."""
    last = max((line.seconds for line in lines if line.seconds is not None), default=None)
    return None if last is None else written_ns - round(last * 1e9)


class OperationStages:
    """Stages of one operation whose log grows: each is told once, when it is first seen."""

    def __init__(self) -> None:
        self._seen = 0
        self._began: dict[str, int] = {}
        self._last: dict[str, str] = {}

    def reached(self, log: Sequence[LogLine], now_ns: int) -> list[Event]:
        """Those of the lines that are new at ``now_ns`` (CLOCK_MONOTONIC)."""
        lines, self._seen = log[self._seen :], len(log)
        found: list[Event] = []
        for file in dict.fromkeys(each.file for each in lines):
            own = [each for each in lines if each.file == file]
            began = began_ns(own, now_ns)
            if began is not None:
                # Lines are read late, never early: the earliest estimate is the best.
                self._began[file] = min(began, self._began.get(file, began))
                found += self._begun(file, stage_events(own, self._began[file]))
        return found

    def _begun(self, file: str, stages: Iterable[Event]) -> Iterator[Event]:
        """A stage once, though several lines may tell of it."""
        for stage in stages:
            if self._last.get(file) != stage.reason:
                self._last[file] = stage.reason
                yield stage
