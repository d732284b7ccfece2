"""What explains a reset that follows: who closed the socket, what gave up, which rule dropped or was removed."""

from workbench.evidence.event import Event, EventKind
from workbench.evidence.locks import TABLE_PREFIX
from workbench.evidence.reset_trail import SAME_ACT_NS, Trail
from workbench.evidence.socket import Connection, TcpState

_MOST = 50_000
_WAITING = frozenset({TcpState.ESTABLISHED, TcpState.CLOSE_WAIT})
"""States that a socket leaves for CLOSE at once if it gives up, or is reset."""
_WAITING_UNOWNED = _WAITING | {TcpState.FIN_WAIT1, TcpState.SYN_SENT}
"""Likewise of those that a program has closed, or not yet connected: an answer would lead elsewhere."""
_FIN_RECEIVED = frozenset({TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.CLOSING, TcpState.TIME_WAIT})
_MOST_LIFTED = 20
Key = tuple[int | None, Connection]
"""Network namespace and connection as its socket there sees it."""


class Memory:
    """Takes events in their order."""

    def __init__(self) -> None:
        self.here: dict[Connection, int | None] = {}
        """Connections that a socket of this host was seen to have, and where."""
        self._closed: dict[Key, Event] = {}
        self._ended: dict[Key, Event] = {}
        self._listened: dict[tuple[int | None, int], Event] = {}
        self._taken: dict[Key, int] = {}
        self._stopped: dict[Key, Event] = {}
        self._silent: dict[Key, int] = {}
        self._lifted: dict[int | None, list[Event]] = {}

    def remember(self, event: Event) -> None:
        """Keep what explains a later reset."""
        key = (event.netns, event.connection) if event.connection else None
        match event.kind:
            case EventKind.STATE if key:
                self._remember_state(key, event)
            case EventKind.RETRANSMISSION if key:
                self.here[key[1]] = event.netns
            case EventKind.RESET_RECEIVED if key:
                self.here[key[1]] = event.netns
                self._taken[key] = event.at_ns
            case EventKind.RULES:
                if any(change.startswith("deleted") for change in event.details):
                    self._lifted.setdefault(event.netns, []).append(event)
                    del self._lifted[event.netns][:-_MOST_LIFTED]
                    for silent in [one for one in self._silent if one[0] == event.netns]:
                        del self._silent[silent]
        for memory in (self._closed, self._ended, self._listened, self._taken, self._stopped, self._silent, self.here):
            while len(memory) > _MOST:
                del memory[next(iter(memory))]  # type: ignore[arg-type]

    def _remember_state(self, key: Key, event: Event) -> None:
        self.here[key[1]] = event.netns
        if event.state is TcpState.CLOSE:
            self._closed[key] = event
            if event.before is TcpState.LISTEN:
                self._listened[event.netns, key[1].local.port] = event
        elif event.state is TcpState.LISTEN:
            self._listened.pop((event.netns, key[1].local.port), None)
        elif event.state in {TcpState.ESTABLISHED, TcpState.SYN_SENT}:
            self._closed.pop(key, None)
            self._ended.pop(key, None)
        elif event.pid and event.before in _WAITING:
            self._ended[key] = event

    def stopped(self, event: Event) -> bool:
        """Keep that a rule dropped a segment; whether silence begins with it."""
        assert event.connection is not None
        key = (event.netns, event.connection)
        self._stopped[key] = event
        self._silent[key] = self._silent.get(key, 0) + 1
        return self._silent[key] == 1 and not (event.segment and event.segment.is_reset)

    def closed(self, reset: Trail, sent: Event) -> Event | None:
        """When the socket that is missing, or sent it, went to CLOSE."""
        return self._closed.get((sent.netns, reset.way))

    def ended(self, reset: Trail, sent: Event) -> Event | None:
        """When a program closed the socket or shut it down, though it lived on."""
        return self._ended.get((sent.netns, reset.way))

    def gave_up(self, reset: Trail, sent: Event) -> Event | None:
        """When the socket that is missing went to CLOSE by a timer."""
        closed = self.closed(reset, sent)
        by_timer = closed is not None and closed.pid is None and closed.before in _WAITING_UNOWNED
        return closed if by_timer and not self.was_reset(reset, sent) else None

    def was_reset(self, reset: Trail, sent: Event) -> bool:
        """Whether the socket that is missing had itself been reset."""
        closed = self.closed(reset, sent)
        taken = self._taken.get((sent.netns, reset.way))
        return closed is not None and taken is not None and abs(taken - closed.at_ns) < SAME_ACT_NS

    def lifted(self, reset: Trail, sent: Event) -> Event | None:
        """The removal of a lock that stood in the way: CRIU's, or rules that had dropped segments of the connection."""
        stopped = self._stopped.get((sent.netns, reset.way))
        for lifted in reversed(self._lifted.get(sent.netns, [])):
            of_criu = any(TABLE_PREFIX in change for change in lifted.details)
            had_stopped = stopped is not None and stopped.at_ns < lifted.at_ns
            # Read after the reset, it is known to have been before only because nothing was dropped any more.
            if had_stopped or (of_criu and lifted.at_ns <= sent.at_ns):
                return lifted
        return None

    def listener_closed(self, reset: Trail, sent: Event) -> Event | None:
        """When the listening socket of that port was closed, unless somebody listens there again."""
        return self._listened.get((sent.netns, reset.way.local.port))

    def stopped_listening(self, reset: Trail, sent: Event) -> bool:
        """Whether it comes of inet_csk_listen_stop: at once after LISTEN was left, and nobody has it open."""
        listened = self.listener_closed(reset, sent)
        if listened is None or listened.pid != sent.pid or not sent.details.get("orphan"):
            return False
        return 0 <= sent.at_ns - listened.at_ns < SAME_ACT_NS

    def unread(self, reset: Trail, sent: Event) -> int | None:
        """Bytes in the receive queue of the socket that sent it; None if they were not counted."""
        counted = sent.details.get("unread")
        if not isinstance(counted, int):
            return None
        closed = self.closed(reset, sent)
        return counted - (closed is not None and closed.before in _FIN_RECEIVED)
