"""Which events concern some processes, connections or network namespaces."""

from collections.abc import Iterable

from workbench.evidence.event import Event, EventKind
from workbench.evidence.socket import Connection


class Selection:
    """Wants everything if nothing is named; else what concerns any of the named things, at either end.

    It learns: a connection that one of the processes was seen to have is wanted from then on, and so are the rules of
    the namespace that it is in.
    """

    def __init__(
        self,
        pids: Iterable[int] = (),
        connections: Iterable[Connection] = (),
        netns: Iterable[int] = (),
        around: Iterable[int] = (),
    ) -> None:
        """``around``: namespaces that the connections are in, as far as that is known already."""
        self._pids = frozenset(pids)
        self._netns = frozenset(netns)
        self._connections = {view for each in connections for view in (each.unmapped, each.unmapped.reversed)}
        self._everything = not (self._pids or self._netns or self._connections)
        self._around: set[int | None] = set(around)

    def wants(self, event: Event) -> bool:
        """Whether to show it. Losses and stages of CRIU concern everybody."""
        if self._everything or event.netns in self._netns or event.kind in {EventKind.LOSS, EventKind.STAGE}:
            return True
        if event.kind is EventKind.RULES:
            return event.netns in self._around or event.pid in self._pids
        of_process = bool(self._pids & {event.pid, event.owner_pid})
        if event.connection is None:
            return of_process
        known = event.connection in self._connections
        if of_process and not known and event.connection.peer.port:  # a listening socket has no peer
            self._connections |= {event.connection, event.connection.reversed}
        if of_process or known:
            self._around.add(event.netns)
        return of_process or known

    def wants_connection(self, connection: Connection | None, netns: int | None) -> bool:
        """Whether what was found out about a connection is wanted."""
        return self._everything or netns in self._netns or connection in self._connections
