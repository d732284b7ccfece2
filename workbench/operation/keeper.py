"""A keeper for the connections of an image directory or of a file, journaled while it works."""

import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from workbench.collect.live import LiveSource
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Evidence, Gap, ImageSocket, NetworkNamespace
from workbench.evidence.state import MOVABLE
from workbench.operation.handoff.planning import find_namespace
from workbench.operation.journal import ENDED, Entry, Journal, boot_id, entries, own_identity
from workbench.operation.keepable import peer_warnings
from workbench.operation.keeping import Keeping, Kept
from workbench.operation.note import read_note
from workbench.operation.planning import find_namespace as namespace_of_note
from workbench.operation.record import connection_record
from workbench.read.criu_images import read_image_directory
from workbench.read.state_file import read_state
from workbench.repair.keeper import Held, held_of

KIND = "keeper"
"""Kind of the operation in the journal."""
READY = b"keeping the peer of "
"""What the command says as soon as it answers."""
READY_S = 30.0


class PeerKeeper:
    """Keeps the peers of all connections that a directory or file holds; a context manager."""

    def __init__(self, source: str, netns: str | None = None) -> None:
        """Look at the host; nothing is answered yet. Raises WorkbenchError if there is nobody to answer for."""
        if os.geteuid() != 0:
            raise WorkbenchError("Only root may answer for a connection", "run it as root")
        self._source = os.path.abspath(source)  # noqa: PTH100 - Path.resolve would follow links
        self._namespace = _namespace(self._source, netns)
        looked = LiveSource(("sockets", "sequences", "locks", "rules"))
        try:
            evidence = looked.evidence()
        finally:
            looked.close()
        found = [(each, held_of(each)) for each in _sockets(self._source) if each.state in MOVABLE]
        refused = [(each.connection, why) for each, why in found if isinstance(why, str)]
        self._held = [held for _, held in found if isinstance(held, Held)]
        self.warnings = (
            *(f"{connection} is not answered for: {why}" for connection, why in refused),
            *peer_warnings([each.connection for each in self._held], self._namespace.inode, evidence),
        )
        if not self._held:
            reason = refused[0][1] if refused else "it holds no connection"
            raise WorkbenchError(f"Nothing in {source} can be answered for: {reason}")
        _refuse_what_lives(self._held, self._namespace, evidence)

    @property
    def connections(self) -> tuple[Connection, ...]:
        return tuple(each.connection for each in self._held)

    def __enter__(self) -> "PeerKeeper":
        self._keeping = Keeping(self._held, self._namespace)
        facts = {
            "workbench": own_identity(),
            "boot_id": boot_id(),
            "images": self._source,
            "netns": self._namespace.inode,
            "root": (0, 0),
            "command": Path(self._source).name,
            "connections": [connection_record(each) for each in self.connections],
        }
        self._journal = Journal(KIND, facts)
        return self

    def run(self, seconds: float | None = None) -> tuple[Kept, ...]:
        """Answer until all is over; see ``Keeping.run``."""
        kept = self._keeping.run(
            seconds, lambda answered: self._journal.write_in_a_hurry("answering", answered=answered)
        )
        endings = ", ".join(sorted({each.ending.value for each in kept}))
        self._journal.write(f"{ENDED}{endings}", answered=self.answered)
        return kept

    @property
    def answered(self) -> int:
        """Segments that were answered so far."""
        return self._keeping.answered

    def stop(self) -> None:
        """Have ``run`` end; may be called in a signal handler."""
        self._keeping.stop()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeping.close()
        self._journal.close()


def keeper_of(source: str) -> Entry | None:
    """The journal of a keeper that answers for this directory or file now; None if nobody does."""
    running = (each for each in reversed(entries()) if each.kind == KIND and not each.ended and each.workbench_alive)
    return next((each for each in running if each.begun["images"] == source), None)


def start_keeper(source: str, netns: str | None = None) -> int:
    """Start ``workbench keeper`` beside us; its pid, once it answers. It outlives us. Raises WorkbenchError."""
    where = ["--netns", netns] if netns else []
    keeper = subprocess.Popen(
        [sys.executable, "-P", "-m", "workbench.main", "keeper", source, *where],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert keeper.stderr is not None
    said = b""
    with keeper.stderr as stderr:
        while READY not in said:
            ready = select.select([stderr], [], [], READY_S)[0]
            line = stderr.readline() if ready else b""
            if not line:
                raise WorkbenchError(f"The keeper did not begin: {said.decode(errors='replace').strip()[-300:]}")
            said += line
    return keeper.pid


def _sockets(source: str) -> Sequence[ImageSocket]:
    if Path(source).is_dir():
        return read_image_directory(source).sockets
    return (read_state(source).image_socket,)


def _namespace(source: str, word: str | None) -> NetworkNamespace:
    """The one that is named, else that of the note beside the images or of the hand-off's journal, else our own."""
    if word is not None:
        return find_namespace(word)
    if not Path(source).is_dir():
        inode = next((int(each.begun["netns"]) for each in entries() if each.begun.get("images") == source), None)
        from workbench.operation.handoff.planning import known_namespaces

        return next((each for each in known_namespaces() if each.inode == inode), _own())
    found = namespace_of_note(None, read_note(source))
    if isinstance(found, Gap):
        raise WorkbenchError(found.reason, found.remedy)
    return found or _own()


def _own() -> NetworkNamespace:
    return find_namespace("/proc/self/ns/net")


def _refuse_what_lives(held: Sequence[Held], namespace: NetworkNamespace, evidence: Evidence) -> None:
    """An answer beside those of a socket that speaks for itself would contradict it."""
    if isinstance(evidence.sockets, Gap):
        return
    known = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    locked = {
        way
        for lock in (() if isinstance(evidence.locks, Gap) else evidence.locks)
        if lock.netns == namespace.inode
        for each in lock.connections
        for way in (each, each.reversed)
    }
    wanted = {each.connection for each in held}
    for each in evidence.sockets:
        wire = each.connection.unmapped
        if each.netns == namespace.inode and wire in wanted and wire not in locked:
            in_repair = known[each.cookie].repair if each.cookie in known else None
            if not in_repair:
                raise WorkbenchError(f"{wire} lives and is not locked", "only a locked connection can be answered for")
