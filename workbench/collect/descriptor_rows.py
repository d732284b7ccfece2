"""Owners of TCP sockets out of the rows that the BPF iterator over all descriptors gives."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import procfs
from workbench.collect.arrays import distinct
from workbench.collect.coded import Coded, Column, Numbered
from workbench.evidence import Holder
from workbench.evidence.columns import records


class RowOwners(Mapping[int, tuple[Holder, ...]]):
    """Holders by inode of the socket; each ``Holder`` is made when somebody looks.

    Unlike /proc/PID/fd this shows descriptors that one thread alone has open, and those of processes that may not be
    looked into.
    """

    def __init__(self, rows: NDArray[Any], proc: Path = procfs.PROC) -> None:
        """``rows``: fields ``tgid``, ``fd`` and ``inode`` (``SequenceReader.read_owned``); pids must be ours."""
        self._rows = rows
        self._commands = {pid: _command(proc, pid) for pid in distinct(rows["tgid"])}
        self.others: Mapping[int, tuple[Holder, ...]] = {}
        """Holders of sockets that are not among the rows."""

    @property
    def pids(self) -> frozenset[int]:
        """Processes that have rows."""
        return frozenset(self._commands)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self._rows["inode"], kind="stable")

    @cached_property
    def _inodes(self) -> NDArray[np.uint64]:
        inodes: NDArray[np.uint64] = self._rows["inode"][self._order]
        return inodes

    def missing(self, inodes: NDArray[Any]) -> set[int]:
        """Those of ``inodes`` that stand in no row; 0 is no inode."""
        if not len(self._rows):
            return set(inodes.tolist()) - {0}
        places = np.minimum(np.searchsorted(self._inodes, inodes), len(self._rows) - 1)
        return set(inodes[self._inodes[places] != inodes].tolist()) - {0}

    def inodes_of(self, pids: Collection[int]) -> set[int]:
        """Sockets that one of these processes has open."""
        rows = self._rows[np.isin(self._rows["tgid"], np.array([*pids], np.uint64))]
        others = (inode for inode, holders in self.others.items() if any(each.pid in pids for each in holders))
        return {*rows["inode"].tolist(), *others}

    def columns(self, inodes: NDArray[Any]) -> "HolderColumns":
        """Who holds each of these sockets."""
        begins = np.searchsorted(self._inodes, inodes, "left")
        known = np.append(self._inodes, [0, 0])  # 0 is no inode
        held = (known[begins] == inodes) & (inodes != 0)
        again = held & (known[begins + 1] == inodes)
        rows = self._order[begins[held]]
        pid, fd = np.zeros(len(inodes), np.uint64), np.zeros(len(inodes), np.uint64)
        pid[held], fd[held] = self._rows["tgid"][rows], self._rows["fd"][rows]
        pids = np.array([*self._commands], np.uint64)
        commands = [*self._commands.values(), None]
        command = np.full(len(inodes), len(pids), np.intp)
        command[held] = np.searchsorted(pids, pid[held])
        several: dict[int, tuple[Holder, ...]] = {}
        elsewhere = np.isin(inodes, np.array([*self.others], np.uint64)) & ~held
        held |= elsewhere
        for place in np.flatnonzero(again | elsewhere).tolist():
            holders = self[int(inodes[place])]
            first = holders[0]
            pid[place], fd[place], command[place] = first.pid, first.fd, len(commands)
            commands.append(first.command)
            if len(holders) > 1:
                several[place] = holders
        return HolderColumns(Numbered(pid, ~held), Numbered(fd, ~held), Coded(commands, command), several)

    def each(self, inodes: Sequence[int]) -> list[tuple[Holder, ...]]:
        """All holders of each of these sockets, made together; 0 is no inode."""
        found = self.columns(np.array(inodes, np.uint64))
        pids = found.pid.tolist()
        columns = {"pid": pids, "fd": found.fd.tolist(), "command": found.command.tolist()}
        made = records(Holder, len(inodes), columns)
        each: list[tuple[Holder, ...]] = [
            () if pid is None else (holder,) for pid, holder in zip(pids, made, strict=True)
        ]
        for place, holders in found.several.items():
            each[place] = holders
        return each

    def __getitem__(self, inode: int) -> tuple[Holder, ...]:
        begin, end = np.searchsorted(self._inodes, np.array([inode, inode + 1], np.uint64)).tolist()
        if begin == end:
            return self.others[inode]
        held = self._rows[self._order[begin:end]]
        ends = sorted(set(zip(held["tgid"].tolist(), held["fd"].tolist(), strict=True)))  # threads share theirs
        return tuple([Holder(pid, fd, self._commands[pid]) for pid, fd in ends])

    def __iter__(self) -> Iterator[int]:
        return iter(self.others.keys() | set(self._inodes.tolist()))

    def __len__(self) -> int:
        return len(self.others.keys() | set(self._inodes.tolist()))


@dataclass(frozen=True, slots=True)
class HolderColumns:
    """The first holder of each socket, None where nobody has it open."""

    pid: Column
    fd: Column
    command: Coded
    several: Mapping[int, tuple[Holder, ...]]
    """By place: all holders of a socket that has more than one."""


def _command(proc: Path, pid: int) -> str:
    return (procfs.read(f"{proc}/{pid}/comm") or b"").decode(errors="surrogateescape").removesuffix("\n")
