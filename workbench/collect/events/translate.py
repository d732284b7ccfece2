"""The kernel's records made into events: those of tracefs joined with their witnesses, and what these tell alone."""

import socket
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.collect.events import headers
from workbench.collect.events.formats import Format
from workbench.collect.events.owners import Owners
from workbench.collect.events.records import RECORD, Owned, Seen
from workbench.collect.events.symbols import Symbols
from workbench.evidence import Connection, TcpState
from workbench.evidence.event import NOTHING, Event, EventKind, Maker

TRACEPOINTS = {
    Seen.STATE: "sock/inet_sock_set_state",
    Seen.RESET_SENT: "tcp/tcp_send_reset",
    Seen.RESET_RECEIVED: "tcp/tcp_receive_reset",
    Seen.RETRANSMISSION: "tcp/tcp_retransmit_skb",
    Seen.DROP: "skb/kfree_skb",
}
_KINDS = {
    Seen.STATE: EventKind.STATE,
    Seen.RESET_SENT: EventKind.RESET_SENT,
    Seen.RESET_RECEIVED: EventKind.RESET_RECEIVED,
    Seen.RETRANSMISSION: EventKind.RETRANSMISSION,
    Seen.DROP: EventKind.DROP,
}
_IN_INTERRUPT = 0x08 | 0x10 | 0x40
"""Hard interrupt, softirq, NMI: bits of ``common_flags`` (enum trace_flag_type, include/linux/trace_events.h)."""
_SAME_MOMENT_NS = 20_000_000
"""A witness and its event are microseconds apart, unless the processor itself was taken away in between."""
_NO_LOSS = frozenset({"QUEUE_PURGE"})
"""Reasons of throwing away what was kept of a connection that is closed: no segment on its way."""
_STATES: dict[int | None, TcpState | None] = {state.value: state for state in TcpState}
_PACKET_SOCKET = 17
_SOCK_RAW = 3


class Witnessed(NamedTuple):
    """A record of ``records.RECORD`` with Python's own numbers and bytes."""

    at_ns: int
    sock: int
    segment: int
    location: int
    cookie: int
    netns: int
    seen: int
    number: int
    tgid: int
    command: bytes
    interface: int
    family: int
    type: int
    state: int
    header: bytes

    @property
    def comm(self) -> str:
        return self.command.split(b"\0")[0].decode(errors="surrogateescape")


assert Witnessed._fields == RECORD.names


class _Row(NamedTuple):
    """What is taken of a tracepoint's record; a field that it does not have is 0."""

    common_flags: int
    skaddr: int
    skbaddr: int
    sock_cookie: int
    reason: int
    oldstate: int
    newstate: int
    state: int
    family: int
    sport: int
    dport: int
    saddr: bytes
    daddr: bytes
    saddr_v6: bytes
    daddr_v6: bytes
    location: int


Batch = tuple[Seen, NDArray[np.int64], NDArray[np.void]]
"""Tracepoint, times and records."""


class Translator:
    """Keeps witnesses until their event comes; one thread at a time."""

    def __init__(self, formats: Mapping[Seen, Format], owners: Owners, *, pids_are_ours: bool) -> None:
        self._formats = formats
        self._owners = owners
        self._symbols = Symbols()
        self._pids_are_ours = pids_are_ours
        self._waiting: defaultdict[tuple[int, int, int], deque[Witnessed]] = defaultdict(deque)
        self._by_sockaddr = {seen for seen, form in formats.items() if not form.has("sport")}
        self._reasons_of = {seen: form.names.get("reason", {}) for seen, form in formats.items() if form.has("reason")}
        self._reasons = self._reasons_of.get(Seen.DROP, {})

    def take(self, records: NDArray[Any]) -> list[Event]:
        """Take witnesses; the events that they tell alone."""
        events: list[Event | None] = []
        for record in map(Witnessed._make, records.tolist()):
            seen = record.seen
            if seen == Seen.DROP:
                events.append(self._drop(record))
            elif seen in {Seen.TRANSMITTED, Seen.ARRIVED}:
                events.append(self._packet(record))
            else:
                self._waiting[seen, record.sock, record.segment].append(record)
        return [event for event in events if event is not None]

    def forget(self, before_ns: int) -> None:
        """Drop witnesses whose event was lost."""
        for key in [key for key, queue in self._waiting.items() if queue[-1].at_ns < before_ns]:
            del self._waiting[key]

    def events(self, batches: Iterable[Batch]) -> Iterator[Event]:
        """Events out of tracefs' records, from all processors together: witnesses are told apart by their order."""
        found: list[tuple[int, Seen, _Row]] = []
        for seen, times, rows in batches:
            form = self._formats[seen]
            columns = (rows[field].tolist() if form.has(field) else repeat(0) for field in _Row._fields)
            found += zip(times.tolist(), repeat(seen), map(_Row._make, zip(*columns, strict=False)), strict=False)
        found.sort(key=itemgetter(0))
        for at_ns, seen, row in found:
            yield self._bare_drop(at_ns, row) if seen is Seen.DROP else self._event(at_ns, seen, row)

    def _bare_drop(self, at_ns: int, row: _Row) -> Event:
        """A drop that no program told: without addresses."""
        reason = self._reasons.get(row.reason, str(row.reason))
        return Event(at_ns, EventKind.DROP, reason=reason, details=self._symbols.details(row.location))

    def _event(self, at_ns: int, seen: Seen, row: _Row) -> Event:
        ends = _sockaddr_ends(row) if seen in self._by_sockaddr else _ends(row)
        reasons = self._reasons_of.get(seen)
        reason = "" if reasons is None else reasons.get(row.reason, str(row.reason))
        witness = self._witness(seen, row.skaddr, row.skbaddr, at_ns)
        cookie, netns, pid, command, segment = row.sock_cookie, None, None, "", None
        if witness is not None:
            cookie, netns = cookie or witness.cookie, witness.netns or None
            if self._pids_are_ours and not row.common_flags & _IN_INTERRUPT:
                pid, command = witness.tgid, witness.comm
            if seen is Seen.RESET_SENT and (answered := headers.segment(witness.header, incoming=True)):
                ends, segment = answered  # a listening socket has no peer, but what it answers has a source
        state = _STATES.get(row.newstate or row.state or (witness.state if witness else 0))
        if cookie and pid and seen is Seen.STATE and state in {TcpState.LISTEN, TcpState.SYN_SENT}:
            self._owners.saw(cookie, (pid, command))
        owner_pid, owner_command = (self._owners.of(cookie) if cookie else None) or (None, "")
        return Event(
            at_ns,
            _KINDS[seen],
            netns,
            ends,
            cookie or None,
            pid,
            command,
            owner_pid,
            owner_command,
            reason,
            _STATES.get(row.oldstate),
            state,
            bool(row.skaddr) if seen is Seen.RESET_SENT else None,
            segment=segment,
            details=_of_sender(witness, reason) if seen is Seen.RESET_SENT and witness else NOTHING,
        )

    def _witness(self, seen: Seen, sock: int, segment: int, at_ns: int) -> Witnessed | None:
        """The last one before the event: programs run first, and the next one with that address is the next event's."""
        queue = self._waiting.get((seen, sock, segment))
        witness = None
        while queue and queue[0].at_ns <= at_ns:
            witness = queue.popleft()
        if queue is not None and not queue:
            del self._waiting[seen, sock, segment]
        return witness if witness and at_ns - witness.at_ns < _SAME_MOMENT_NS else None

    def _drop(self, record: Witnessed) -> Event | None:
        reason = self._reasons.get(record.number, str(record.number))
        incoming = record.interface != 0
        found = None if reason in _NO_LOSS else headers.segment(record.header, incoming=incoming)
        if found is None:
            return None
        owner_pid, owner_command = (self._owners.of(record.cookie) if record.cookie else None) or (None, "")
        return Event(
            record.at_ns,
            EventKind.DROP,
            record.netns or None,
            found[0],
            record.cookie or None,
            owner_pid=owner_pid,
            owner_command=owner_command,
            reason=reason,
            state=_STATES.get(record.state),
            incoming=incoming,
            segment=found[1],
            details=self._symbols.details(record.location),
        )

    def _packet(self, record: Witnessed) -> Event | None:
        incoming = record.seen == Seen.ARRIVED
        found = headers.segment(record.header, incoming=incoming)
        if found is None:
            return None
        maker = None if incoming else _maker(record)
        by_program = self._pids_are_ours and maker in {Maker.KERNEL, Maker.PACKET_SOCKET}
        return Event(
            record.at_ns,
            EventKind.RESET_PACKET,
            record.netns or None,
            found[0],
            pid=record.tgid if by_program else None,
            command=record.comm if by_program else "",
            maker=maker,
            incoming=incoming,
            segment=found[1],
            usual_ttl=record.number or None if incoming else None,
        )


def _maker(record: Witnessed) -> Maker:
    if record.interface:
        return Maker.FORWARDED
    if not record.sock:
        return Maker.NETFILTER
    if record.family == _PACKET_SOCKET:
        return Maker.PACKET_SOCKET
    return Maker.KERNEL if record.type == _SOCK_RAW else Maker.TCP


def _of_sender(witness: Witnessed, reason: str) -> Mapping[str, int | str]:
    """What is known of the socket that sends a reset; of one that closes, also that nothing was unread."""
    found: dict[str, int | str] = {}
    if witness.number or reason == "TCP_ABORT_ON_CLOSE":
        found["unread"] = witness.number
    if witness.interface == Owned.BY_NOBODY:
        found["orphan"] = 1
    return MappingProxyType(found) if found else NOTHING


def _ends(row: _Row) -> Connection:
    """The connection, local end first."""
    if row.family == socket.AF_INET6:
        return headers.connection(row.saddr_v6, row.sport, row.daddr_v6, row.dport)
    return headers.connection(row.saddr, row.sport, row.daddr, row.dport)


def _sockaddr_ends(row: _Row) -> Connection | None:
    """The same where the kernel writes two ``struct sockaddr``."""
    local, peer = headers.socket_address(row.saddr), headers.socket_address(row.daddr)
    return headers.connection(*local, *peer) if local and peer else None
