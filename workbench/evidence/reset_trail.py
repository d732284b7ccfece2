"""The events of one reset, from the decision to send it to what its receiver made of it.

A segment is told from others by its numbers: through a router or NAT it keeps them. Sources: tcp_send_active_reset and
tcp_v4_send_reset (net/ipv4), tcp_validate_incoming with RFC 5961.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from workbench.evidence.event import Event, EventKind, Maker, Segment
from workbench.evidence.socket import Connection, TcpState

SETTLED_NS = 200_000_000
"""So long after a reset all that belongs to it was seen, on this host."""
SAME_ACT_NS = 20_000_000
"""Between a kernel's decision and its segment on the device."""
_SAME_ARRIVAL_NS = 2_000_000


class Effect(StrEnum):
    """What the receiver made of a reset."""

    TAKEN = "taken"
    """The socket was reset."""
    CHALLENGED = "challenged"
    """In the window but not exactly due: a challenge ACK was sent, and the connection lives (RFC 5961, 3.2)."""
    IGNORED = "ignored"
    """Out of the window, or otherwise wrong."""
    NOBODY = "nobody"
    """No socket was concerned."""
    BLOCKED = "blocked"
    """A rule dropped it on its way."""
    NOT_SEEN = "not-seen"
    """It left this host, or what became of it was not recorded."""


@dataclass(eq=False)
class Trail:
    """All that was seen of one reset."""

    way: Connection
    at_ns: int
    sent: Event | None = None
    left: Event | None = None
    arrivals: list[Event] = field(default_factory=list)
    taken: Event | None = None
    dropped: Event | None = None

    @property
    def segment(self) -> Segment | None:
        packet = self.left or next(iter(self.arrivals), None) or self.dropped
        return packet.segment if packet else None

    @property
    def events(self) -> Iterator[Event]:
        yield from (event for event in (self.sent, self.left, *self.arrivals, self.taken, self.dropped) if event)

    @property
    def effect(self) -> Effect:
        """What became of it."""
        if self.taken:
            return Effect.TAKEN
        if self.dropped:
            match self.dropped.reason:
                case "NO_SOCKET" | "TCP_TIMEWAIT_SOCKET":
                    return Effect.NOBODY
                case "NETFILTER_DROP":
                    return Effect.BLOCKED
                case "TCP_RESET" if self.dropped.state is TcpState.LISTEN:
                    return Effect.NOBODY
                case "TCP_RESET":
                    return Effect.CHALLENGED
                case _:
                    return Effect.IGNORED
        return Effect.NOT_SEEN


def trails(events: Sequence[Event]) -> list[Trail]:
    """The events of each reset together, in the order in which resets began."""
    begun: list[Trail] = []
    of: dict[Connection, list[Trail]] = {}
    numbered: dict[tuple[int, int], list[Trail]] = {}

    def start(way: Connection, event: Event) -> Trail:
        reset = Trail(way, event.at_ns)
        begun.append(reset)
        of.setdefault(way, []).append(reset)
        return reset

    not_received = _of_themselves(events)
    concerned = [event for event in events if _is_of_reset(event) and id(event) not in not_received]
    related = [(way, event) for event in concerned if (way := _way(event))]
    for way, event in related:  # decisions, which may be told after the segment that they sent
        if event.kind is EventKind.RESET_SENT:
            start(way, event).sent = event
    for way, event in related:
        if event.kind is EventKind.RESET_PACKET and not event.incoming and event.maker is not Maker.FORWARDED:
            own = _decided(of.get(way, ()), event) or _decided(_renamed(begun, way, event), event)
            reset = min(own, key=lambda one: abs(one.at_ns - event.at_ns)) if own else start(way, event)
            if reset not in of.get(way, ()):
                of.setdefault(way, []).append(reset)
            reset.left = event
            reset.at_ns = min(reset.at_ns, event.at_ns)
            if event.segment and event.segment.seq:
                numbered.setdefault(_numbers(event.segment), []).append(reset)
    for way, event in related:
        if event.kind is EventKind.RESET_PACKET and (event.incoming or event.maker is Maker.FORWARDED):
            renamed = numbered.get(_numbers(event.segment), ()) if event.segment else ()  # NAT changed the addresses
            reset = _on_its_way(of.get(way, ()), event) or _on_its_way(renamed, event) or start(way, event)
            reset.arrivals.append(event)
            if reset not in of.get(way, ()):
                of.setdefault(way, []).append(reset)
    for way, event in related:
        if event.kind in {EventKind.RESET_RECEIVED, EventKind.DROP}:
            reset = _received(of.get(way, ()), event) or start(way, event)
            if event.kind is EventKind.DROP:
                reset.dropped = event
            else:
                reset.taken = event
    return sorted(begun, key=lambda reset: reset.at_ns)


def _decided(resets: Iterable[Trail], event: Event) -> list[Trail]:
    """Those that may be this segment that left."""
    return [
        reset for reset in resets
        if reset.sent and not reset.left and event.maker is not Maker.PACKET_SOCKET
        and reset.sent.netns == event.netns and abs(reset.at_ns - event.at_ns) < SAME_ACT_NS
    ]  # fmt: skip


def _renamed(resets: Iterable[Trail], way: Connection, event: Event) -> Iterator[Trail]:
    """Those to the same end from elsewhere: NAT of the sender's host changed who it is said to come from."""
    if event.maker in {Maker.TCP, Maker.KERNEL}:
        yield from (reset for reset in resets if reset.way.peer == way.peer and reset.way != way)


def rejected(events: Iterable[Event], resets: Iterable[Trail]) -> set[int]:
    """Identities of the drops that a REJECT rule answered."""
    answered: dict[tuple[int | None, Connection], list[int]] = {}
    for reset in resets:
        if reset.left and reset.left.maker is Maker.NETFILTER:
            for way in (reset.way, reset.way.reversed):
                answered.setdefault((reset.left.netns, way), []).append(reset.at_ns)
    return {
        id(event)
        for event in events
        if event.kind is EventKind.DROP and event.connection
        for at_ns in answered.get((event.netns, event.connection), ())
        if abs(event.at_ns - at_ns) < SAME_ACT_NS
    }


def _of_themselves(events: Sequence[Event]) -> set[int]:
    """Identities of resets that sockets were told to have received, but gave themselves.

    Data for a socket that is shut down for reading: the kernel takes it for reset, then sends a reset
    (tcp_rcv_state_process, TCPABORTONDATA).
    """
    sent = {
        (event.netns, event.connection): event.at_ns
        for event in events
        if event.kind is EventKind.RESET_SENT and event.reason == "TCP_ABORT_ON_DATA"
    }
    return {
        id(event)
        for event in events
        if event.kind is EventKind.RESET_RECEIVED
        and abs(sent.get((event.netns, event.connection), -SAME_ACT_NS) - event.at_ns) < SAME_ACT_NS
    }


def _way(event: Event) -> Connection | None:
    """Who a reset says it comes from, then who it is for."""
    if event.connection is None:
        return None
    inward = event.kind is EventKind.RESET_RECEIVED or event.incoming
    return event.connection.reversed if inward else event.connection


def _is_of_reset(event: Event) -> bool:
    if event.kind is EventKind.DROP:
        return bool(event.segment and event.segment.is_reset)
    return event.kind in {EventKind.RESET_SENT, EventKind.RESET_PACKET, EventKind.RESET_RECEIVED}


def _numbers(segment: Segment) -> tuple[int, int]:
    return segment.seq, segment.ack


def _on_its_way(resets: Sequence[Trail], event: Event) -> Trail | None:
    """The reset whose segment this is; in one namespace it may pass a port and its bridge, but arrives once."""
    for reset in reversed(resets):
        if not -SAME_ACT_NS <= event.at_ns - reset.at_ns <= SETTLED_NS:
            continue
        if any(one.netns == event.netns and event.at_ns - one.at_ns > _SAME_ARRIVAL_NS for one in reset.arrivals):
            continue
        known = reset.segment
        if known is None or event.segment is None or _numbers(known) == _numbers(event.segment):
            return reset
    return None


def _received(resets: Sequence[Trail], event: Event) -> Trail | None:
    """The reset that the receiver took or threw away at that moment."""
    for reset in reversed(resets):
        if reset.taken or reset.dropped:
            continue
        here = [one for one in reset.arrivals if one.netns == event.netns]
        if here:
            if -SAME_ACT_NS <= event.at_ns - here[-1].at_ns <= SETTLED_NS:
                return reset
        elif not reset.arrivals and abs(event.at_ns - reset.at_ns) <= SETTLED_NS:
            return reset
    return None
