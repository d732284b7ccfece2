"""Processes by their identity: held by a pidfd, so that a pid that was given to somebody else is never signalled."""

import os
import select
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType

from workbench.collect import procfs
from workbench.collect.process_stat import ProcessStat, parse_stat

REAPED_S = 10.0
"""Seconds to wait for zombies to be reaped."""
_POLL_S = 0.01


def stat_of(pid: int) -> ProcessStat | None:
    """/proc/PID/stat; None if there is no such process."""
    data = procfs.read(f"/proc/{pid}/stat")
    return None if data is None else parse_stat(data)


def start_time_of(pid: int) -> int | None:
    """Clock ticks after boot; None if there is no such process."""
    found = stat_of(pid)
    return found.start_time if found else None


def is_alive(pid: int, start_time: int) -> bool:
    """Whether this very process lives; a zombie does not."""
    found = stat_of(pid)
    return found is not None and found.start_time == start_time and found.state not in "ZX"


def descendants(root: int) -> tuple[tuple[int, int], ...]:
    """Pid and start time of a process and of all below it, parents first; empty if it is gone."""
    children: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for pid in procfs.pids():
        found = stat_of(pid)
        if found is not None:
            children[found.ppid].append((pid, found.start_time))
            if pid == root:
                children[-1].append((pid, found.start_time))
    tree = list(children[-1])
    for pid, _ in tree:
        tree.extend(children[pid])
    return tuple(tree)


def await_reaped(pids: Sequence[int], timeout: float) -> list[int]:
    """Wait until no pid is used any more, and return those that still are; one that is alive is not waited for.

    A zombie keeps its pid until its parent has reaped it, and pid 1 may take its time.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = {pid: stat for pid in pids if (stat := stat_of(pid)) is not None}
        if any(stat.state not in "ZX" for stat in found.values()) or not found or time.monotonic() > deadline:
            return list(found)
        time.sleep(_POLL_S)  # reaping is announced to nobody but the parent


def await_session_end(leader: int, timeout: float) -> bool:
    """Wait until no process but zombies is in the session that ``leader`` began; whether that came."""
    deadline = time.monotonic() + timeout
    while any((found := stat_of(pid)) and found.sid == leader and found.state not in "ZX" for pid in procfs.pids()):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)  # they are nobody's children here
    return True


@dataclass(frozen=True, slots=True)
class Task:
    """One living process, held; close it."""

    pid: int
    start_time: int
    pidfd: int

    @classmethod
    def hold(cls, pid: int, start_time: int | None = None) -> "Task | None":
        """Hold a process by its identity; None if it is gone, or if the pid is somebody else's now."""
        if pid <= 1:
            return None
        try:
            pidfd = os.pidfd_open(pid)
        except (OSError, OverflowError):
            return None
        found = start_time_of(pid)  # read after opening: the pidfd keeps the pid from being given away unseen
        if found is None or (start_time is not None and found != start_time):
            os.close(pidfd)
            return None
        return cls(pid, found, pidfd)

    @property
    def state(self) -> str:
        """One letter of proc(5); ``X`` once it is gone."""
        found = stat_of(self.pid)
        return found.state if found and found.start_time == self.start_time else "X"

    @property
    def threads(self) -> tuple[str, ...]:
        """State letter of each thread."""
        states = []
        for thread in procfs.names(f"/proc/{self.pid}/task") if self.state not in "ZX" else []:
            data = procfs.read(f"/proc/{self.pid}/task/{thread}/stat")
            found = parse_stat(data) if data else None
            if found:
                states.append(found.state)
        return tuple(states)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if it is gone."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return

    def gone(self, timeout: float = 0) -> bool:
        """Wait until it has ended (it may still be a zombie), at most ``timeout`` seconds."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def close(self) -> None:
        os.close(self.pidfd)


class Tasks:
    """Several processes, held together; a context manager."""

    def __init__(self, identities: Iterable[tuple[int, int | None]]) -> None:
        self.all = tuple(task for pid, start in identities if (task := Task.hold(pid, start)) is not None)

    @property
    def alive(self) -> tuple[Task, ...]:
        return tuple(task for task in self.all if task.state not in "ZX")

    def signal(self, number: signal.Signals) -> None:
        for task in self.all:
            task.signal(number)

    def __enter__(self) -> "Tasks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self.all:
            task.close()


def command_of(pid: int) -> str:
    """comm of a process, hostile; empty if it is gone."""
    found = stat_of(pid)
    return found.command if found else ""


def program_counter_in(pid: int, timeout: float = 0.0) -> str | None:
    """Path of the mapping in which the main thread waits (``''``: anonymous memory).

    None if it does not come to wait for anything within ``timeout`` seconds, is gone, or may not be looked at
    (ptrace(2) access).
    """
    deadline = time.monotonic() + timeout
    while True:
        fields = (procfs.read(f"/proc/{pid}/syscall") or b"").split()
        if len(fields) > 1 and fields[0] != b"-1":
            return _mapping(pid, int(fields[-1], 16))
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_S)  # nobody is told when a process begins to wait


def _mapping(pid: int, address: int) -> str | None:
    for line in (procfs.read(f"/proc/{pid}/maps") or b"").splitlines():
        span, _, rest = line.partition(b" ")
        first, _, last = span.partition(b"-")
        if int(first, 16) <= address < int(last, 16):
            parts = rest.split(maxsplit=4)
            return parts[4].decode(errors="surrogateescape") if len(parts) > 4 else ""
    return None
