"""A trace instance of our own: nobody else's tracing is seen or disturbed, and no other sees ours.

Should this process be killed, the kernel closes ``free_buffer``: it stops the instance and frees its memory. What is
left then is an idle directory, which the next start removes.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from workbench.collect.events.tracefs import tracefs
from workbench.collect.identity import is_gone, own_name

PREFIX = "workbench-"
BUFFER_KIB = 4096
"""For each processor."""

_counter = itertools.count(1)


class Instance:
    """``instances/workbench-PID-START-N`` with our buffers; events are recorded once they are enabled."""

    def __init__(self, top: Path, buffer_kib: int = BUFFER_KIB) -> None:
        """``top``: the directory of tracefs. Raises OSError."""
        self.top = top
        self.path = top / "instances" / f"{PREFIX}{own_name()}-{next(_counter)}"
        self._opened: list[int] = []
        self.path.mkdir()
        try:
            self._write("trace_clock", "mono")
            self._write("buffer_size_kb", str(buffer_kib))
            with contextlib.suppress(OSError):  # Linux 6.2: a poll is answered by the first event, not by a full page
                self._write("buffer_percent", "0")
            self._write("options/disable_on_free", "1")
            self._opened.append(os.open(self.path / "free_buffer", os.O_WRONLY | os.O_CLOEXEC))
            self.processors = tuple(sorted(int(entry.name[3:]) for entry in (self.path / "per_cpu").iterdir()))
            self.pipes = tuple(self._pipe(processor) for processor in self.processors)
        except BaseException:
            self.close()
            raise

    def format_of(self, event: str) -> str:
        """What the kernel says of an event's record, as ``tcp/tcp_send_reset``."""
        return (self.path / "events" / event / "format").read_text()

    def enable(self, event: str, condition: str = "") -> None:
        """Record an event from now on, where its fields meet the condition (Documentation/trace/events.rst)."""
        if condition:
            self._write(f"events/{event}/filter", condition)
        self._write(f"events/{event}/enable", "1")

    def lost(self) -> int:
        """Events that were overwritten or did not fit, since the beginning."""
        total = 0
        for processor in self.processors:
            for line in (self.path / f"per_cpu/cpu{processor}/stats").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in {"overrun", "commit overrun", "dropped events"}:
                    total += int(value)
        return total

    def close(self) -> None:
        """Stop, and remove the directory."""
        for event in ("events/enable", "tracing_on"):
            with contextlib.suppress(OSError):
                self._write(event, "0")
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened = []
        with contextlib.suppress(FileNotFoundError):
            self.path.rmdir()

    def _pipe(self, processor: int) -> int:
        path = self.path / f"per_cpu/cpu{processor}/trace_pipe_raw"
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._opened.append(descriptor)
        return descriptor

    def _write(self, name: str, value: str) -> None:
        (self.path / name).write_text(value)


def abandoned(top: Path) -> Iterator[Path]:
    """Instances of workbenches that are gone."""
    for path in (top / "instances").glob(f"{PREFIX}*"):
        if is_gone(path.name.removeprefix(PREFIX).rpartition("-")[0]):
            yield path


def remove_abandoned(*, dry_run: bool = False) -> tuple[str, ...]:
    """Remove them; their names. One that is somebody's nevertheless is busy, and stays. Never raises."""
    removed = []
    with contextlib.suppress(OSError), tracefs() as top:
        for path in abandoned(top):
            with contextlib.suppress(OSError):
                if not dry_run:
                    path.rmdir()
                removed.append(path.name)
    return tuple(removed)
