"""What packets of TCP connections say about each other: pure reasoning over segments in the order they were seen.

Each direction is followed with its highest sequence number, acknowledgements, window and holes; what contradicts them
is noted. Numbers are unwrapped, so that long streams do not come round. Sources: RFC 9293, RFC 5681 (duplicate
acknowledgements), RFC 5961 (resets), net/ipv4/tcp_input.c and tcp_output.c for what Linux does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from workbench.evidence.columns import without_collection
from workbench.evidence.event import FIN, RST, SYN
from workbench.evidence.packet import Packet
from workbench.evidence.packet_sign import RESETS, Note, Sign
from workbench.evidence.sequences import distance
from workbench.evidence.socket import Connection

COPY_NS = 5_000_000_000
"""Within this time the same segment at another interface is the same one on its way."""
REORDERED_NS = 3_000_000
SILENCE_NS = 500_000_000
"""Longer than any delayed acknowledgement (RFC 9293 3.8.6.3)."""
REPEATED_SILENCE_NS = 200_000_000
"""Likewise where the segment was repeated, which is not done sooner."""
_MOST_SHIFT = 14
_MOST_HOLES = 100
_MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Noted:
    """A segment with what is notable about it."""

    packet: Packet
    seq: int
    """Relative: the SYN is 0, the first byte 1, also where no SYN was seen."""
    ack: int | None
    """Likewise; None without ACK."""
    notes: tuple[Note, ...] = ()

    def has(self, *signs: Sign) -> bool:
        return any(note.sign in signs for note in self.notes)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One end sends and is not answered."""

    way: Connection
    """From the end that waits."""
    since_ns: int
    segments: int


@dataclass(slots=True)
class Flow:
    """One connection in a capture."""

    connection: Connection
    """As the first segment that was seen went."""
    first_ns: int
    last_ns: int
    packets: int = 0
    """Copies are not counted. Likewise the following."""
    sent: dict[Connection, int] = field(default_factory=dict)
    """Bytes of payload by direction, what was repeated included."""
    signs: dict[Sign, int] = field(default_factory=dict)
    """How often each was noted."""
    resets: list[Noted] = field(default_factory=list)
    waiting: tuple[Waiting, ...] = ()
    """Who waited for an answer when the capture ended."""
    closed_windows: tuple[tuple[Connection, int], ...] = ()
    """Ends (that announce) whose window was zero when the capture ended, and since when."""


@dataclass(frozen=True, slots=True)
class Followed:
    """All segments of a capture, noted."""

    segments: tuple[Noted, ...]
    flows: tuple[Flow, ...]
    """In the order of their first segments; a new connection of the same ends is another one."""


class _End:
    """What was seen of one direction, and announced by the end that sends in it."""

    __slots__ = (
        "acked", "at", "base", "dups", "edge", "holes", "is_probed", "last_ack", "next", "shift", "tsval", "ttls",
        "waits_for", "waits_segments", "waits_since", "window", "zero_since",
    )  # fmt: skip

    def __init__(self) -> None:
        self.base: int | None = None
        self.next = 0
        """One past the highest byte seen, unwrapped."""
        self.acked: int | None = None
        """What the other end has acknowledged of it."""
        self.last_ack: int | None = None
        """The highest that it acknowledged, in the other end's numbers."""
        self.window: int | None = None
        """As it stands in the header."""
        self.shift: int | None = None
        """That its windows are scaled with; None if the handshake was not seen."""
        self.edge: int | None = None
        self.dups = 0
        self.holes: list[tuple[int, int]] = []
        self.tsval: int | None = None
        self.at = 0
        """When the highest byte was seen."""
        self.ttls: dict[int, int] = {}
        self.is_probed = False
        self.waits_since = 0
        self.waits_for = 0
        self.waits_segments = 0
        self.zero_since = 0

    def unwrapped(self, number: int) -> int:
        return self.next + distance(self.next & 0xFFFFFFFF, number)

    def begin(self, base: int, next_: int) -> None:
        self.base, self.next = base, next_


class _Pair:
    """One connection."""

    __slots__ = ("ends", "flow")

    def __init__(self, packet: Packet) -> None:
        self.ends = {packet.way: _End(), packet.way.reversed: _End()}
        self.flow = Flow(packet.way, packet.at_ns, packet.at_ns)


def follow(packets: Iterable[Packet]) -> Followed:
    """Note what is notable about each segment."""
    with without_collection():
        follower = Follower()
        follower.add(packets)
        return follower.followed


class Follower:
    """Takes segments in their order, as they come."""

    def __init__(self) -> None:
        self._pairs: dict[Connection, _Pair] = {}
        self._flows: list[Flow] = []
        self._seen: dict[tuple[object, ...], tuple[int, bool | None, int]] = {}
        self._noted: list[Noted] = []

    def add(self, packets: Iterable[Packet]) -> None:
        """Take more."""
        for packet in packets:
            self._add(packet)

    @property
    def followed(self) -> Followed:
        """Everything so far."""
        for pair in {id(pair): pair for pair in self._pairs.values()}.values():
            _finish(pair)
        return Followed(tuple(self._noted), tuple(self._flows))

    def _add(self, packet: Packet) -> None:
        way = packet.way
        pair = self._pairs.get(way)
        copy = _is_copy(packet, self._seen)
        if pair is None or (not copy and _begins_anew(packet, pair)):
            if pair is not None:
                _finish(pair)
            pair = _Pair(packet)
            self._pairs[way] = self._pairs[way.reversed] = pair
            self._flows.append(pair.flow)
        me, other = pair.ends[way], pair.ends[way.reversed]
        notes: list[Note] = [Note(Sign.COPY)] if copy else []
        if not copy:
            _note(packet, me, other, notes)
        seq = 0 if me.base is None else me.unwrapped(packet.seq) - me.base
        ack = other.unwrapped(packet.ack) - other.base if packet.acks and other.base is not None else None
        one = Noted(packet, seq, ack, tuple(notes))
        self._noted.append(one)
        if not copy:
            _count(pair.flow, one)


def _is_copy(packet: Packet, seen: dict[tuple[object, ...], tuple[int, bool | None, int]]) -> bool:
    key = (
        packet.way, packet.seq, packet.ack, packet.flags, packet.length, packet.window, packet.identification,
        packet.tsval, packet.tsecr,
    )  # fmt: skip
    before = seen.get(key)
    if before is not None and before[:2] != (packet.interface, packet.incoming):
        return abs(packet.at_ns - before[2]) < COPY_NS
    seen[key] = (packet.interface, packet.incoming, packet.at_ns)
    if len(seen) > _MOST_REMEMBERED:
        for old in list(seen)[: _MOST_REMEMBERED // 2]:
            del seen[old]
    return False


def _begins_anew(packet: Packet, pair: _Pair) -> bool:
    """A SYN with a number of its own: the same ends, another connection."""
    me = pair.ends[packet.way]
    if not packet.flags & SYN or packet.acks or me.base is None:
        return False
    return me.base & 0xFFFFFFFF != packet.seq


def _note(packet: Packet, me: _End, other: _End, notes: list[Note]) -> None:
    _ttl(packet, me, notes)
    if packet.flags & RST:
        _reset(packet, me, other, notes)
        return
    if packet.flags & SYN:
        me.shift = packet.wscale
        if packet.acks and (packet.wscale is None or other.shift is None):
            me.shift = other.shift = 0  # both must offer it (RFC 7323 2.2)
    if me.base is None:
        start = packet.seq
        # Without a SYN the first byte that is seen is 1, which is what it would be right after one.
        me.begin(start if packet.flags & SYN else start - 1, start)
        me.at = packet.at_ns
    start = me.unwrapped(packet.seq)
    probe = _probe(packet, start, me, other, notes)
    if packet.size and not probe:
        _data(packet, start, me, other, notes)
    if packet.acks:
        _ack(packet, me, other, notes)
    if packet.size or probe:
        _wait(packet, start, me)


def _ttl(packet: Packet, me: _End, notes: list[Note]) -> None:
    usual = me.ttls.get(packet.interface)
    if packet.flags & RST:
        if usual is not None and usual != packet.ttl:
            notes.append(Note(Sign.ODD_TTL, usual))
    else:
        me.ttls[packet.interface] = packet.ttl


def _reset(packet: Packet, me: _End, other: _End, notes: list[Note]) -> None:
    """What the receiver makes of it, from what it acknowledged last (RFC 5961 3.2)."""
    other.waits_segments = 0
    if other.last_ack is None and other.base is not None and packet.acks:
        # It waits for the answer to its SYN: the acknowledgement must fit (RFC 9293 3.10.7.3).
        off = other.unwrapped(packet.ack) - other.next
        notes.append(Note(Sign.RESET_OUT_OF_WINDOW, off) if off else Note(Sign.RESET))
        return
    if other.last_ack is None or me.base is None:
        notes.append(Note(Sign.RESET))
        return
    seq = me.unwrapped(packet.seq)
    expected = other.last_ack
    edge = expected + ((other.window or 0) << (_MOST_SHIFT if other.shift is None else other.shift))
    if expected <= seq <= max(me.next, expected):
        notes.append(Note(Sign.RESET))
    elif expected <= seq < edge:
        notes.append(Note(Sign.RESET_CHALLENGED, seq - expected))
    else:
        notes.append(Note(Sign.RESET_OUT_OF_WINDOW, seq - expected))


def _probe(packet: Packet, start: int, me: _End, other: _End, notes: list[Note]) -> bool:
    """One byte below what comes next, or below what is acknowledged: it wants nothing but an answer."""
    if packet.flags & (SYN | FIN) or packet.length > 1 or me.base is None or start <= me.base:
        return False
    below_next = start == me.next - 1 and (packet.length == 0 or me.acked == me.next)
    below_acked = packet.length == 0 and me.acked is not None and start == me.acked - 1
    into_closed = packet.length == 1 and other.window == 0 and start == me.next == me.acked
    if not (below_next or below_acked or into_closed):
        return False
    notes.append(Note(Sign.WINDOW_PROBE if other.window == 0 else Sign.KEEPALIVE))
    me.is_probed = True
    return True


def _data(packet: Packet, start: int, me: _End, other: _End, notes: list[Note]) -> None:
    end = start + packet.size
    if start > me.next:
        notes.append(Note(Sign.GAP, start - me.next))
        me.holes = [*me.holes[-_MOST_HOLES:], (me.next, start)]
    elif start < me.next:
        notes.append(Note(_repeated(packet, start, end, me, other)))
    if end > me.next:
        me.next, me.at = end, packet.at_ns
    if packet.tsval is not None and (me.tsval is None or distance(me.tsval, packet.tsval) > 0):
        me.tsval = packet.tsval
    if other.edge is not None and end - bool(packet.flags & FIN) == other.edge and packet.length:
        notes.append(Note(Sign.WINDOW_FULL))


def _repeated(packet: Packet, start: int, end: int, me: _End, other: _End) -> Sign:
    if me.acked is not None and end <= me.acked:
        return Sign.SPURIOUS_RETRANSMISSION
    filled = {hole for hole in me.holes if start < hole[1] and end > hole[0]}
    if filled:
        parts = ((hole,) if hole not in filled else _without(hole, start, end) for hole in me.holes)
        me.holes = list(chain.from_iterable(parts))
        earlier = packet.tsval is not None and me.tsval is not None and distance(me.tsval, packet.tsval) < 0
        if earlier or packet.at_ns - me.at < REORDERED_NS:
            return Sign.OUT_OF_ORDER
    if other.dups >= 2 and other.last_ack is not None and start <= other.last_ack < end:
        return Sign.FAST_RETRANSMISSION
    return Sign.RETRANSMISSION


def _without(hole: tuple[int, int], start: int, end: int) -> list[tuple[int, int]]:
    pieces = ((hole[0], min(hole[1], start)), (max(hole[0], end), hole[1]))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _ack(packet: Packet, me: _End, other: _End, notes: list[Note]) -> None:
    if other.base is None:
        other.begin(packet.ack - 1, packet.ack)
    ack = other.unwrapped(packet.ack)
    if ack > other.next:
        notes.append(Note(Sign.ACK_UNSEEN, ack - other.next))
        other.next = ack
    is_old = me.last_ack is not None and ack < me.last_ack
    if is_old:
        notes.append(Note(Sign.ACK_BACK, (me.last_ack or 0) - ack))
    is_bare = packet.size == 0
    answers = is_bare and other.is_probed
    if answers:
        notes.append(Note(Sign.KEEPALIVE_ANSWER))
    elif is_bare and ack == me.last_ack and (packet.sack or packet.window == me.window) and other.next > ack:
        me.dups += 1
        notes.append(Note(Sign.DUP_ACK, me.dups))
    other.is_probed = False
    if not is_old:  # its window is out of date too
        _windows(packet, ack, me, notes)
    if me.last_ack is None or ack > me.last_ack:
        me.last_ack, me.dups = ack, 0
    if other.acked is None or ack > other.acked:
        other.acked = ack
    if other.waits_segments and (ack > other.waits_for or answers):
        length = packet.at_ns - other.waits_since
        if length >= (SILENCE_NS if other.waits_segments == 1 else REPEATED_SILENCE_NS):
            notes.append(Note(Sign.RESUMED, length))
        other.waits_segments = 0


def _windows(packet: Packet, ack: int, me: _End, notes: list[Note]) -> None:
    """What it announces; windows of SYNs are never scaled (RFC 7323 2.2)."""
    shift = 0 if packet.flags & SYN else me.shift
    edge = None if shift is None else ack + (packet.window << shift)
    if packet.window == 0 and not packet.flags & SYN:
        notes.append(Note(Sign.ZERO_WINDOW))
        me.zero_since = me.zero_since or packet.at_ns
    elif me.window == 0:
        notes.append(Note(Sign.WINDOW_OPENED))
    if packet.window:
        me.zero_since = 0
    if shift is not None and edge is not None and me.edge is not None:
        if me.edge - edge >= 1 << shift:  # less comes of rounding
            notes.append(Note(Sign.WINDOW_SHRUNK, me.edge - edge))
    elif me.window is not None and ack == me.last_ack and packet.window < me.window:
        notes.append(Note(Sign.WINDOW_SHRUNK))
    me.window, me.edge = packet.window, edge


def _wait(packet: Packet, start: int, me: _End) -> None:
    if not me.waits_segments:
        me.waits_since, me.waits_for = packet.at_ns, start
    me.waits_segments += 1


def _count(flow: Flow, one: Noted) -> None:
    packet = one.packet
    flow.packets += 1
    flow.last_ns = packet.at_ns
    flow.sent[packet.way] = flow.sent.get(packet.way, 0) + packet.length
    for note in one.notes:
        flow.signs[note.sign] = flow.signs.get(note.sign, 0) + 1
        if note.sign in RESETS:
            flow.resets.append(one)


def _finish(pair: _Pair) -> None:
    pair.flow.waiting = tuple(
        Waiting(way, end.waits_since, end.waits_segments) for way, end in pair.ends.items() if end.waits_segments
    )
    pair.flow.closed_windows = tuple((way, end.zero_since) for way, end in pair.ends.items() if end.zero_since)
