"""Watching one connection for a moment, to say why nothing flows through it; nothing is touched."""

import time
from collections.abc import Sequence

from workbench.collect.events.reader import EventReader
from workbench.collect.live import LiveSource
from workbench.errors import WorkbenchError
from workbench.evidence import Capture, Connection, Gap, TcpState
from workbench.evidence.attribution import Cause, attribute
from workbench.evidence.event import Event
from workbench.evidence.reset_witness import captured_end, with_captures
from workbench.evidence.silence import Answer
from workbench.evidence.silence_branches import why_silent
from workbench.evidence.silence_watch import watch_of
from workbench.evidence.socket_choice import Choice, choose

SECONDS = 3.0
"""Long enough for a retransmission of a connection that has only just begun to be silent."""
_HOW_IT_ENDED = "`workbench events` tells how connections end"
_FIRST = frozenset({"sockets", "sequences"})
_LAST = _FIRST | {"rules", "locks", "processes", "network", "conntrack", "sysctls"}
_LISTS_NOBODY = frozenset({TcpState.LISTEN, TcpState.BOUND_INACTIVE, TcpState.CLOSE})


def ask_why(
    connection: Connection, netns: int | None = None, seconds: float = SECONDS, captures: Sequence[Capture] = ()
) -> Answer:
    """Watch the end that ``connection`` names first, and say why nothing flows.

    ``netns``: inode of its network namespace, where several have such a connection. ``captures``: asked who reset it,
    if it is gone. Raises WorkbenchError if there is none, or not one alone.
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
            if not homes and (ended := captured_end(captures, connection)):
                raise WorkbenchError(f"there is no connection {connection} any more: {ended}", _HOW_IT_ENDED)
            own = _one(connection, homes, netns)
            events = _events(reader, seconds)
            last = source.evidence()
            events += reader.take(0)
    finally:
        source.close()
    watch = watch_of(connection, own, first, last, events)
    if watch is None:
        wall_ns = time.time_ns() - time.monotonic_ns()
        resets = attribute(events, () if isinstance(last.rules, Gap) else last.rules)
        of_it = [one for one in resets if one.connection in {wire, wire.reversed} and one.cause is not Cause.DROP_RULE]
        said = f": {with_captures(of_it[-1], captures, wall_ns).sentence}" if of_it else ""
        raise WorkbenchError(f"{connection} ended while it was watched{said}", _HOW_IT_ENDED)
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
