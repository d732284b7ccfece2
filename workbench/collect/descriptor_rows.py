"""Owners of TCP sockets out of the rows that the BPF iterator over all descriptors gives."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import procfs
from workbench.evidence import Holder


class RowOwners(Mapping[int, tuple[Holder, ...]]):
    """Holders by inode of the socket; each ``Holder`` is made when somebody looks.

    Unlike /proc/PID/fd this shows descriptors of processes that may not be looked into (a container's host agent as
    pid 1), and those that one thread alone has open.
    """

    def __init__(
        self, rows: NDArray[Any], rest: Mapping[int, tuple[Holder, ...]] | None = None, proc: Path = procfs.PROC
    ) -> None:
        """``rows``: fields ``tgid``, ``fd`` and ``inode`` (``SequenceReader.read_owned``), pids of our pid namespace.

        ``rest``: holders of sockets that are not among the rows.
        """
        self._rest = rest or {}
        order = np.lexsort((rows["fd"], rows["tgid"], rows["inode"]))
        inodes: NDArray[Any] = rows["inode"][order]
        self._ends: list[tuple[int, int]] = rows[["tgid", "fd"]][order].tolist()
        first = np.flatnonzero(np.r_[True, inodes[1:] != inodes[:-1]][: len(inodes)])
        bounds = zip(first.tolist(), [*first[1:].tolist(), len(inodes)], strict=False)
        self._bounds = dict(zip(inodes[first].tolist(), bounds, strict=True))
        self._commands = {pid: _command(proc, pid) for pid in np.unique(rows["tgid"]).tolist()}

    def __getitem__(self, inode: int) -> tuple[Holder, ...]:
        if inode not in self._bounds:
            return self._rest[inode]
        begin, end = self._bounds[inode]
        held = dict.fromkeys(self._ends[begin:end])  # threads share their descriptors
        return tuple([Holder(pid, fd, self._commands[pid]) for pid, fd in held])

    def __iter__(self) -> Iterator[int]:
        return iter(self._rest.keys() | self._bounds.keys())

    def __len__(self) -> int:
        return len(self._rest.keys() | self._bounds.keys())


def without_row(inodes: NDArray[Any], rows: NDArray[Any]) -> set[int]:
    """Those of ``inodes`` that stand in no row; 0 is no inode."""
    return set(np.setdiff1d(inodes, rows["inode"]).tolist()) - {0}


def _command(proc: Path, pid: int) -> str:
    return (procfs.read(f"{proc}/{pid}/comm") or b"").decode(errors="surrogateescape").removesuffix("\n")
