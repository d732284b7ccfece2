"""Which processes have which sockets and pipes open, by /proc/PID/fd."""

import os
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from workbench.collect import procfs
from workbench.collect.process_stat import parse_stat
from workbench.evidence import Holder

_LOOK_AGAIN = 8
"""After so many rounds a process is looked at again though nothing seems to have changed."""

_Numbered = tuple[tuple[int, int], ...]
"""(inode, fd) of each."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What one process had open when it was last looked at."""

    start_time: int
    command: str
    count: int
    """Number of its descriptors; 0 where the kernel does not tell (before Linux 6.2)."""
    sockets: _Numbered
    pipes: _Numbered


class OwnerReader:
    """Reads owners again and again; a process is looked into only where something may have changed.

    The size of the directory /proc/PID/fd is the number of its entries (Linux 6.2). A process whose number is as before
    is skipped, unless a socket turns up that nobody is known to hold: then all are looked into once. A descriptor that
    a process closed and replaced by another one shows after at most 8 rounds.
    """

    def __init__(self, proc: Path = procfs.PROC) -> None:
        self._proc = proc
        self._opened: dict[int, _Opened] = {}
        self._ownerless: frozenset[int] = frozenset()
        self._round = 0
        self._wanted: frozenset[int] = frozenset()
        self._found: Mapping[int, tuple[Holder, ...]] = {}
        self.refused: tuple[int, ...] = ()
        """Processes whose descriptors may not be read."""

    def find(self, inodes: Iterable[int], innocent: Container[int] = ()) -> Mapping[int, tuple[Holder, ...]]:
        """Who holds these sockets now; those that nobody is known to hold are left out (``ownerless``).

        ``innocent``: processes of which it is known that they hold none of them; they are not looked into.
        """
        self._round += 1
        wanted = frozenset(inodes) - {0}
        changed = self._look(everywhere=False, innocent=innocent)
        if changed or wanted != self._wanted:
            self._wanted, self._found = wanted, self._holders("sockets", wanted)
        if wanted - self._found.keys() - self._ownerless:
            self._look(everywhere=True, innocent=innocent)
            self._found = self._holders("sockets", wanted)
        self._ownerless = wanted - self._found.keys()
        return self._found

    def read_all(self) -> Mapping[int, tuple[Holder, ...]]:
        """Holders of every socket, each process looked into now."""
        self._look(everywhere=True)
        return self._holders("sockets")

    @property
    def ownerless(self) -> frozenset[int]:
        """Of the inodes last asked for, those that no readable process holds."""
        return self._ownerless

    def pipes(self) -> Mapping[int, tuple[Holder, ...]]:
        """Holders by inode of the pipe, both ends, as of the last round."""
        return self._holders("pipes")

    def _look(self, *, everywhere: bool, innocent: Container[int] = ()) -> bool:
        """Bring ``_opened`` up to date; whether anything is different now."""
        before, self._opened = self._opened, {}
        refused = []
        for pid in procfs.pids(self._proc):
            if pid in innocent:
                continue
            data = procfs.read(f"{self._proc}/{pid}/stat")
            stat = None if data is None else parse_stat(data)
            if stat is None:
                continue
            known = before.get(pid)
            count = _size(f"{self._proc}/{pid}/fd")
            due = everywhere or (pid + self._round) % _LOOK_AGAIN == 0
            if (
                known
                and not due
                and (known.start_time, known.command, known.count) == (*stat.identity, count)
                and count
            ):
                self._opened[pid] = known
                continue
            try:
                sockets, pipes = _links(f"{self._proc}/{pid}/fd")
            except PermissionError:
                refused.append(pid)
            else:
                self._opened[pid] = _Opened(stat.start_time, stat.command, count, sockets, pipes)
        self.refused = tuple(refused)
        return before != self._opened

    def _holders(self, kind: str, wanted: Container[int] | None = None) -> Mapping[int, tuple[Holder, ...]]:
        found: defaultdict[int, list[Holder]] = defaultdict(list)
        for pid, opened in self._opened.items():
            for inode, fd in getattr(opened, kind):
                if wanted is None or inode in wanted:
                    found[inode].append(Holder(pid, fd, opened.command))
        return MappingProxyType({inode: tuple(holders) for inode, holders in found.items()})


def _size(directory: str) -> int:
    try:
        return Path(directory).stat().st_size
    except OSError:
        return 0


def _links(directory: str) -> tuple[_Numbered, _Numbered]:
    """Sockets and pipes among the links of /proc/PID/fd. Raises PermissionError if they may not be read."""
    sockets: list[tuple[int, int]] = []
    pipes: list[tuple[int, int]] = []
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:  # it ended
        return (), ()
    try:
        for name in procfs.names(opened):
            try:
                # From the directory's own descriptor it takes half the time of a whole path.
                target = procfs.readlink(name, opened)
            except FileNotFoundError:
                continue
            if target.startswith("socket:["):
                sockets.append((int(target[8:-1]), int(name)))
            elif target.startswith("pipe:["):
                pipes.append((int(target[6:-1]), int(name)))
    except (FileNotFoundError, ProcessLookupError):
        return (), ()
    finally:
        os.close(opened)
    return tuple(sockets), tuple(pipes)
