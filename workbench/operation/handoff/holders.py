"""Who has a socket open, looked up this moment."""

import os
from collections.abc import Iterable

from workbench.collect import procfs


def holders_of(inode: int, pids: Iterable[int] | None = None) -> tuple[tuple[int, int], ...]:
    """(pid, fd) of every descriptor that is this socket, ours left out; of these processes, or of the whole host.

    Not seen: descriptors under way in a unix socket, and those of io_uring.
    """
    wanted = f"socket:[{inode}]"
    found = []
    for pid in procfs.pids() if pids is None else pids:
        if pid == os.getpid():
            continue
        try:
            names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 - every process of the host, in a hurry
        except OSError:
            continue
        for name in names:
            try:
                if os.readlink(f"/proc/{pid}/fd/{name}") == wanted:  # noqa: PTH115
                    found.append((pid, int(name)))
            except OSError:
                continue
    return tuple(found)


class Guard:
    """Notices processes that get hold of a socket while others that hold it are being stopped."""

    def __init__(self, inode: int) -> None:
        self._inode = inode
        self._pids = frozenset(procfs.pids())
        self.holders = frozenset(pid for pid, _ in holders_of(inode))

    def newcomers(self) -> tuple[int, ...]:
        """Processes begun since then that hold it: children of a holder. Looks at nobody else, so it is quick."""
        return tuple(pid for pid, _ in holders_of(self._inode, set(procfs.pids()) - self._pids))
