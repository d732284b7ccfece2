"""The kernel's records made into events: those of tracefs joined with their witnesses, and what these tell alone."""

import socket
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from workbench.collect.events import headers
from workbench.collect.events.formats import Format
from workbench.collect.events.owners import Owners
from workbench.collect.events.records import Seen
from workbench.collect.events.symbols import Symbols
from workbench.evidence import Connection, TcpState
from workbench.evidence.event import Event, EventKind, Maker

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
_PACKET_SOCKET = 17
_SOCK_RAW = 3

Record = dict[str, Any]


class Translator:
    """Keeps witnesses until their event comes; one thread at a time."""

    def __init__(self, formats: Mapping[Seen, Format], owners: Owners, *, pids_are_ours: bool) -> None:
        self._formats = formats
        self._owners = owners
        self._symbols = Symbols()
        self._pids_are_ours = pids_are_ours
        self._waiting: defaultdict[tuple[int, int, int], deque[Record]] = defaultdict(deque)
        self._reasons = formats[Seen.DROP].names.get("reason", {})

    def take(self, records: NDArray[Any]) -> list[Event]:
        """Take witnesses; the events that they tell alone."""
        events = []
        for record in dictionaries(records):
            seen = record["seen"]
            if seen == Seen.DROP:
                events.append(self._drop(record))
            elif seen in {Seen.TRANSMITTED, Seen.ARRIVED}:
                events.append(self._packet(record))
            else:
                self._waiting[seen, record["sock"], record["segment"]].append(record)
        return [event for event in events if event is not None]

    def forget(self, before_ns: int) -> None:
        """Drop witnesses whose event was lost."""
        for key in [key for key, queue in self._waiting.items() if queue[-1]["at_ns"] < before_ns]:
            del self._waiting[key]

    def events(self, seen: Seen, times: Iterable[int], rows: NDArray[Any]) -> Iterator[Event]:
        """Events out of rows of one tracepoint."""
        form = self._formats[seen]
        for at_ns, row in zip(times, dictionaries(rows), strict=True):
            yield self._event(seen, form, at_ns, row)

    def _event(self, seen: Seen, form: Format, at_ns: int, row: Record) -> Event:
        if seen is Seen.DROP:  # without a witness: no addresses
            return Event(
                at_ns,
                EventKind.DROP,
                reason=_name(form, "reason", row),
                details=self._symbols.details(row.get("location", 0)),
            )
        sock = row.get("skaddr", 0)
        witness = self._witness(seen, sock, row.get("skbaddr", 0), at_ns)
        before, state = _states(form, row)
        ends, answered = _ends(row), None
        if witness is not None:
            answered = headers.segment(witness["header"])
            if answered:  # a listening socket has no peer, but what it answers has a source
                ends = answered[0].reversed
        pid, command = self._actor(row["common_flags"], witness)
        cookie = row.get("sock_cookie") or (witness["cookie"] if witness else 0) or None
        if cookie and pid and seen is Seen.STATE and state in {TcpState.LISTEN, TcpState.SYN_SENT}:
            self._owners.saw(cookie, (pid, command))
        owner = self._owners.of(cookie) if cookie else None
        return Event(
            at_ns,
            _KINDS[seen],
            netns=(witness["netns"] or None) if witness else None,
            connection=ends,
            cookie=cookie,
            pid=pid,
            command=command,
            owner_pid=owner[0] if owner else None,
            owner_command=owner[1] if owner else "",
            reason=_name(form, "reason", row),
            before=before,
            state=state,
            has_socket=bool(sock) if seen is Seen.RESET_SENT else None,
            segment=answered[1] if answered else None,
        )

    def _witness(self, seen: Seen, sock: int, segment: int, at_ns: int) -> Record | None:
        queue = self._waiting.get((seen, sock, segment))
        if queue is None and segment:
            queue = self._waiting.get((seen, sock, 0))
        while queue:
            if queue[0]["at_ns"] > at_ns + _SAME_MOMENT_NS:
                return None
            witness = queue.popleft()
            if not queue:
                self._waiting.pop((seen, sock, witness["segment"]), None)
            if witness["at_ns"] >= at_ns - _SAME_MOMENT_NS:
                return witness
        return None

    def _actor(self, flags: int, witness: Record | None) -> tuple[int | None, str]:
        if witness is None or flags & _IN_INTERRUPT or not self._pids_are_ours:
            return None, ""
        return witness["tgid"], _command(witness)

    def _drop(self, record: Record) -> Event | None:
        reason = self._reasons.get(record["number"], str(record["number"]))
        found = headers.segment(record["header"])
        if found is None or reason in _NO_LOSS:
            return None
        ends, segment = found
        incoming = record["interface"] != 0
        owner = self._owners.of(record["cookie"]) if record["cookie"] else None
        return Event(
            record["at_ns"],
            EventKind.DROP,
            netns=record["netns"] or None,
            connection=ends.reversed if incoming else ends,
            cookie=record["cookie"] or None,
            owner_pid=owner[0] if owner else None,
            owner_command=owner[1] if owner else "",
            reason=reason,
            incoming=incoming,
            segment=segment,
            details=self._symbols.details(record["location"]),
        )

    def _packet(self, record: Record) -> Event | None:
        found = headers.segment(record["header"])
        if found is None:
            return None
        ends, segment = found
        incoming = record["seen"] == Seen.ARRIVED
        maker = None if incoming else _maker(record)
        by_program = maker in {Maker.KERNEL, Maker.PACKET_SOCKET} and self._pids_are_ours
        return Event(
            record["at_ns"],
            EventKind.RESET_PACKET,
            netns=record["netns"] or None,
            connection=ends.reversed if incoming else ends,
            pid=record["tgid"] if by_program else None,
            command=_command(record) if by_program else "",
            maker=maker,
            incoming=incoming,
            segment=segment,
            usual_ttl=record["number"] or None if incoming else None,
        )


def dictionaries(rows: NDArray[Any]) -> Iterator[Record]:
    """Rows with Python's own numbers and bytes."""
    names = rows.dtype.names or ()
    for values in rows.tolist():
        yield dict(zip(names, values, strict=True))


def _maker(record: Record) -> Maker:
    if record["interface"]:
        return Maker.FORWARDED
    if not record["sock"]:
        return Maker.NETFILTER
    if record["family"] == _PACKET_SOCKET:
        return Maker.PACKET_SOCKET
    return Maker.KERNEL if record["type"] == _SOCK_RAW else Maker.TCP


def _command(record: Record) -> str:
    command: bytes = record["command"]
    return command.split(b"\0")[0].decode(errors="surrogateescape")


def _name(form: Format, field: str, row: Record) -> str:
    if field not in row:
        return ""
    return form.names.get(field, {}).get(row[field], str(row[field]))


def _states(form: Format, row: Record) -> tuple[TcpState | None, TcpState | None]:
    """By name, where the kernel writes names instead of numbers: the numbers are its own enumeration."""
    return _state(row.get("oldstate")), _state(row.get("newstate", row.get("state")))


def _state(number: int | None) -> TcpState | None:
    try:
        return TcpState(number) if number else None
    except ValueError:
        return None


def _ends(row: Record) -> Connection | None:
    """The connection, local end first, in whichever of its ways the kernel writes it."""
    if "sport" not in row:  # struct sockaddr
        local, peer = headers.socket_address(row["saddr"]), headers.socket_address(row["daddr"])
        return headers.connection(*local, *peer) if local and peer else None
    if row["family"] == socket.AF_INET6 and "saddr_v6" in row:
        return headers.connection(row["saddr_v6"], row["sport"], row["daddr_v6"], row["dport"])
    return headers.connection(row["saddr"], row["sport"], row["daddr"], row["dport"])
