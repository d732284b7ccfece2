"""Stages of a CRIU log as events."""

from collections.abc import Iterable, Iterator
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
