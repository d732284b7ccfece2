"""Watching one connection for a moment, to say why nothing flows through it; nothing is touched."""

import time

from workbench.collect.events.reader import EventReader
from workbench.collect.live import LiveSource
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, TcpState
from workbench.evidence.event import Event
from workbench.evidence.silence import Answer
from workbench.evidence.silence_branches import why_silent
from workbench.evidence.silence_watch import watch_of
from workbench.evidence.socket_choice import Choice, choose

SECONDS = 3.0
"""Long enough for a retransmission of a connection that has only just begun to be silent."""
_FIRST = frozenset({"sockets", "sequences"})
_LAST = _FIRST | {"rules", "locks", "processes", "network", "conntrack", "sysctls"}
_LISTS_NOBODY = frozenset({TcpState.LISTEN, TcpState.BOUND_INACTIVE, TcpState.CLOSE})


def ask_why(connection: Connection, netns: int | None = None, seconds: float = SECONDS) -> Answer:
    """Watch the end that ``connection`` names first, and say why nothing flows.

    ``netns``: inode of its network namespace, where several have such a connection. Raises WorkbenchError if there is
    none, or not one alone.
    """
    source = LiveSource(_LAST)
    try:
        with EventReader() as reader:
            first = source.evidence(_FIRST)
            if isinstance(first.sockets, Gap):
                raise WorkbenchError(first.sockets.reason, first.sockets.remedy)
            wire = connection.unmapped
            possible = Choice(local_ports={wire.local.port}, peer_ports={wire.peer.port})
            homes = {
                socket.netns
                for socket in choose(first.sockets, possible)
                if socket.connection.unmapped == wire and socket.state not in _LISTS_NOBODY
            }
            own = _one(connection, homes, netns)
            events = _events(reader, seconds)
            last = source.evidence()
            events += reader.take(0)
    finally:
        source.close()
    watch = watch_of(connection, own, first, last, events)
    if watch is None:
        raise WorkbenchError(f"{connection} ended while it was watched", "`workbench events` tells how connections end")
    return why_silent(watch)


def _one(connection: Connection, homes: set[int], netns: int | None) -> int:
    if netns is not None and netns in homes:
        return netns
    if netns is not None or not homes:
        raise WorkbenchError(
            f"there is no connection {connection}", "`workbench sockets` lists them; the end that is asked comes first"
        )
    if len(homes) > 1:
        raise WorkbenchError(f"{len(homes)} network namespaces have a connection {connection}", "name one with --netns")
    return homes.pop()


def _events(reader: EventReader, seconds: float) -> list[Event]:
    found: list[Event] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if reader.refused is not None:
            time.sleep(left)
            break
        found += reader.take(left)
    return found
