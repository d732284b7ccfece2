"""Which process a socket belongs to, by its cookie: remembered, since an event is read after it happened."""

import time

from workbench.collect import procfs
from workbench.collect.sequences import SequenceReader
from workbench.evidence import Gap

PAUSE_S = 0.5
"""Between two looks at all descriptors, however many unknown sockets turn up."""
MOST = 200_000

Owner = tuple[int, str]
"""Pid and command, hostile."""


class Owners:
    """Looks at all descriptors of the host (one BPF iterator, about 1 us each) when an unknown socket turns up."""

    def __init__(self) -> None:
        self._reader = SequenceReader()
        self._known: dict[int, Owner] = {}
        self._looked = 0.0
        self._blind = False

    def of(self, cookie: int) -> Owner | None:
        """The owner now or when it was last seen; None for a socket that nobody was seen to have open."""
        known = self._known.get(cookie)
        if known is None and not self._blind and time.monotonic() - self._looked > PAUSE_S:
            self._look()
            known = self._known.get(cookie)
        return known

    def saw(self, cookie: int, owner: Owner) -> None:
        """Somebody was seen to call listen(2) or connect(2) on it."""
        self._known[cookie] = owner

    def close(self) -> None:
        self._reader.close()

    def _look(self) -> None:
        rows = self._reader.read_owned()
        self._looked = time.monotonic()
        if isinstance(rows, Gap) or not self._reader.pids_are_ours:
            self._blind = True
            return
        commands: dict[int, str] = {}
        if len(self._known) > MOST:
            self._known = {}
        for cookie, pid in zip(rows["cookie"].tolist(), rows["tgid"].tolist(), strict=True):
            if pid not in commands:
                commands[pid] = _command(pid)
            self._known[cookie] = pid, commands[pid]


def _command(pid: int) -> str:
    return (procfs.read(f"/proc/{pid}/comm") or b"").decode(errors="surrogateescape").rstrip("\n")
