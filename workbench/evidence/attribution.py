"""Who reset a connection, and why: pure reasoning over events, without a clock, a host or a file.

The events of one reset are found first: what the sender's kernel decided, the segment on each device that it passed,
what the receiver made of it. Then the one that began it says who it was. Sources: tcp_send_active_reset and
tcp_v4_send_reset (net/ipv4), nf_send_reset (net/ipv4/netfilter/nf_reject_ipv4.c), tcp_validate_incoming with RFC 5961.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from workbench.evidence.event import ACK, SYN, Event, EventKind, Maker
from workbench.evidence.netfilter import Rule
from workbench.evidence.reset_memory import Memory
from workbench.evidence.reset_trail import SETTLED_NS, Effect, Trail, rejected, trails
from workbench.evidence.socket import Connection, TcpState
from workbench.evidence.verdict_rule import culprits

_TRANSLATES = re.compile(r"(?i)\b(masquerade|snat|dnat|redirect)\b")
_WORDS = {
    "TCP_INVALID_ACK_SEQUENCE": "what came acknowledges what was never sent",
    "TCP_ACK_UNSENT_DATA": "what came acknowledges what was never sent",
    "TCP_TOO_OLD_ACK": "what came acknowledges too little",
    "TCP_INVALID_SYN": "a SYN came within the connection",
    "TCP_RFC7323_PAWS": "what came has a timestamp of the past",
    "TCP_FLAGS": "what came makes no sense in this state",
    "TCP_ABORT_ON_MEMORY": "too many orphaned sockets, or too little memory",
    "TCP_OVERFLOW": "too many connections waited to be accepted",
    "TCP_LISTEN_OVERFLOW": "too many connections waited to be accepted",
}
"""Reasons of include/net/rstreason.h, by what one knows."""


class Cause(StrEnum):
    """Why a connection was reset, or fell silent."""

    NO_SOCKET = "no-socket"
    """Nobody owned the connection, and no lock stopped the segment."""
    LOCK_LIFTED = "lock-lifted"
    """The same, after a lock that stood in the way was removed."""
    TIMED_OUT = "timed-out"
    """The same, after the socket had waited in vain and given up."""
    REFUSED = "refused"
    """A SYN to a port where nobody listens."""
    LISTENER = "listener"
    """A listening socket answered a segment of a connection that it does not know."""
    OVERFLOW = "overflow"
    """Too many connections waited to be accepted, and tcp_abort_on_overflow is on."""
    UNREAD_DATA = "unread-data"
    """A program closed the socket, or ended, while unread bytes were in its receive queue."""
    ABORTED = "aborted"
    """A program wanted it: SO_LINGER with 0 seconds, or connect(2) with AF_UNSPEC."""
    NOT_ACCEPTED = "not-accepted"
    """A program closed its listening socket while the connection waited to be accepted."""
    AFTER_CLOSE = "after-close"
    """Data came after the program had closed the socket, or said that it reads no more."""
    DESTROYED = "destroyed"
    """An administrator destroyed the socket (SOCK_DESTROY)."""
    TIME_WAIT = "time-wait"
    """Something arrived for a connection that was closed a minute ago at most."""
    KERNEL = "kernel"
    """This kernel's TCP for another reason, which it names."""
    REJECT_RULE = "reject-rule"
    DROP_RULE = "drop-rule"
    """No reset: silence, since a rule drops what arrives."""
    PEER = "peer"
    """It came from another host, as segments of the peer do."""
    MIDDLEBOX = "middlebox"
    """Neither end's TCP sent it."""
    NOT_REAL = "not-real"
    """Neither end's TCP sent it, and the receiver did not believe it."""
    UNKNOWN = "unknown"
    """What was seen does not tell."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """One reset, or the silence of one connection."""

    at_ns: int
    cause: Cause
    connection: Connection | None
    """Who it is said to come from, then who it is for."""
    netns: int | None
    """Where it began; of one from the network, where it arrived."""
    effect: Effect
    reason: str
    """The kernel's name, where it gave one."""
    sentence: str
    """By what one knows."""
    settled_ns: int
    """When the last thing that belongs to it happened."""
    rule: Rule | None = None
    event: Event | None = field(default=None, hash=False)
    """The one that began it."""
    ends: frozenset[int] = frozenset()
    """Pids of processes that had either end open or did it, as far as known."""


class Attributor:
    """Takes events in their order and gives each reset once it is settled."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules: Sequence[Rule] = rules
        """The rules that stood at the time, as far as known: which of them rejects is looked up here."""
        self._pending: list[Event] = []
        self._memory = Memory()

    def add(self, events: Iterable[Event]) -> None:
        """Take more events."""
        self._pending.extend(events)

    def settled(self, until_ns: int | None = None) -> list[Attribution]:
        """Resets that nothing more can belong to at that time; all of them if None. Oldest first."""
        limit = max((event.at_ns for event in self._pending), default=0) if until_ns is None else until_ns - SETTLED_NS
        due = sorted((event for event in self._pending if _earliest_ns(event) <= limit), key=_earliest_ns)
        # A reset that begins before the limit may have events after it.
        found = [reset for reset in trails(self._pending) if reset.at_ns <= limit]
        used = {id(event) for reset in found for event in reset.events}
        attributions: list[Attribution] = []
        starting = {id(first): reset for reset in found if (first := next(reset.events, None))}
        begins = sorted(starting.values(), key=lambda reset: reset.at_ns)
        answered = rejected(self._pending, found)
        position = 0
        for event in due:
            while position < len(begins) and begins[position].at_ns <= _earliest_ns(event):
                attributions.append(self._attribute(begins[position]))
                position += 1
            self._memory.remember(event)
            dropped = event.kind is EventKind.DROP and event.connection and event.reason == "NETFILTER_DROP"
            if dropped and id(event) not in answered and self._memory.stopped(event):
                attributions.append(self._silence(event))
        attributions += [self._attribute(reset) for reset in begins[position:]]
        self._pending = [event for event in self._pending if _earliest_ns(event) > limit and id(event) not in used]
        return attributions

    def _silence(self, event: Event) -> Attribution:
        found = culprits(self.rules, event, resets=False)
        where = event.details.get("location", "netfilter")
        sentence = f"silence, no reset: {_named(found, 'a rule')} drops what is {_direction(event)} ({where})"
        return Attribution(
            event.at_ns,
            Cause.DROP_RULE,
            event.connection,
            event.netns,
            Effect.BLOCKED,
            event.reason,
            sentence,
            event.at_ns,
            found[0] if len(found) == 1 else None,
            event,
        )

    def _attribute(self, reset: Trail) -> Attribution:
        effect = reset.effect
        rule = None
        if reset.sent:
            cause, sentence = self._by_tcp(reset, reset.sent)
        elif reset.left:
            cause, sentence, rule = self._by_somebody(reset, reset.left)
        else:
            cause, sentence = self._from_network(reset)
        if cause in {Cause.MIDDLEBOX, Cause.PEER, Cause.UNKNOWN} and effect in {Effect.CHALLENGED, Effect.IGNORED}:
            cause = Cause.NOT_REAL
        begin = reset.sent or reset.left or next(reset.events)
        pids = {pid for event in reset.events for pid in (event.pid, event.owner_pid) if pid}
        return Attribution(
            reset.at_ns,
            cause,
            reset.way,
            begin.netns,
            effect,
            reset.sent.reason if reset.sent else "",
            sentence + _outcome(effect, reset),
            max(event.at_ns for event in reset.events),
            rule,
            begin,
            frozenset(pids),
        )

    def _by_tcp(self, reset: Trail, sent: Event) -> tuple[Cause, str]:
        who = f"{sent.command} {sent.pid}" if sent.pid else "a program"
        match sent.reason:
            case "TCP_ABORT_ON_CLOSE" if self._memory.unread(reset, sent) == 0:
                return Cause.ABORTED, f"{who} closed the connection at once, with nothing unread: MPTCP's fast close"
            case "TCP_ABORT_ON_CLOSE":
                return (
                    Cause.UNREAD_DATA,
                    f"{who} closed the socket while {self._unread(reset, sent)} in its receive queue",
                )
            case "TCP_ABORT_ON_LINGER" | "TCP_DISCONNECT_WITH_DATA":
                return Cause.ABORTED, f"{who} aborted the connection ({sent.reason})"
            case "TCP_STATE" if sent.state is TcpState.CLOSE and self._memory.stopped_listening(reset, sent):
                return Cause.NOT_ACCEPTED, (
                    f"{who} closed the socket that listens on {reset.way.local} while this connection waited to be"
                    " accepted there"
                )
            case "TCP_STATE" if sent.state is TcpState.CLOSE:
                return Cause.ABORTED, f"{who} aborted the connection (SO_LINGER 0, or disconnected it)"
            case "TCP_STATE" if sent.has_socket and sent.pid:
                return Cause.DESTROYED, f"{who} destroyed the socket, as ss -K does (SOCK_DESTROY)"
            case "TCP_TIMEWAIT_SOCKET":
                gone = self._by_whom(reset, sent) or "already closed"
                return Cause.TIME_WAIT, f"data arrived for a connection that was {gone} and is in TIME_WAIT"
            case "TCP_ABORT_ON_DATA":
                gone = self._by_whom(reset, sent) or "closed"
                return Cause.AFTER_CLOSE, f"data arrived for a socket that was {gone}: nobody would have read it"
            case "TCP_KEEPALIVE_TIMEOUT":
                return Cause.TIMED_OUT, "the peer did not answer keepalive probes, or the user timeout had passed"
        if sent.state is TcpState.LISTEN and sent.reason == "INVALID_SYN" and not _answers_syn(sent):
            return Cause.OVERFLOW, (
                f"too many connections waited on {reset.way.local} to be accepted, and tcp_abort_on_overflow is on"
            )
        if sent.state is TcpState.LISTEN:
            return Cause.LISTENER, (
                f"the socket that listens on {reset.way.local} answered a segment that is of no connection and of no"
                " handshake that it knows"
            )
        if sent.has_socket is False and sent.reason in {"NO_SOCKET", ""}:
            return self._nobody(reset, sent)
        socket = "its socket" if sent.has_socket else "no socket"
        words = f" ({_WORDS[sent.reason]})" if sent.reason in _WORDS else ""
        return (
            Cause.KERNEL,
            f"this kernel reset it for {sent.reason or 'a reason it does not name'}{words}; {socket} was at hand",
        )

    def _by_whom(self, reset: Trail, sent: Event) -> str:
        """Who closed the socket before, and when; empty if that was not seen."""
        ended = self._memory.ended(reset, sent)
        return f"closed by {ended.command} {ended.pid} {_before(ended, sent)}" if ended else ""

    def _unread(self, reset: Trail, sent: Event) -> str:
        match self._memory.unread(reset, sent):
            case None:
                return "unread bytes were"
            case 1:
                return "1 unread byte was"
            case count:
                return f"{count} unread bytes were"

    def _nobody(self, reset: Trail, sent: Event) -> tuple[Cause, str]:
        if _answers_syn(sent):
            return Cause.REFUSED, f"nobody listens on {reset.way.local}"
        memory = self._memory
        if gave_up := memory.gave_up(reset, sent):
            return (
                Cause.TIMED_OUT,
                f"the socket had waited in vain and given up {_before(gave_up, sent)}: nobody owned it",
            )
        closed, listener = memory.closed(reset, sent), memory.listener_closed(reset, sent)
        if closed is None and listener and reset.way not in memory.here:
            return Cause.NOT_ACCEPTED, (
                f"{listener.command} {listener.pid} had closed the socket that listens on {reset.way.local}"
                f" {_before(listener, sent)}, before the connection was complete there"
            )
        if lifted := memory.lifted(reset, sent):
            when = _before(lifted, sent) if lifted.at_ns <= sent.at_ns else "shortly before"
            return Cause.LOCK_LIFTED, (
                f"no socket owned the connection, and the lock had been lifted by {lifted.command} {lifted.pid} {when}"
            )
        gone = ""
        if memory.was_reset(reset, sent) and closed:
            gone = f"; it had itself been reset {_before(closed, sent)}"
        elif closed and closed.pid:
            gone = f"; {closed.command} {closed.pid} had closed it {_before(closed, sent)}"
        elif by_whom := self._by_whom(reset, sent):
            gone = f"; it had been {by_whom}"
        elif closed is None and any(_translates(rule, sent.netns) for rule in self.rules):
            gone = "; or nobody ever did: addresses are translated there (NAT), which may have forgotten the connection"
        return Cause.NO_SOCKET, f"no socket owned the connection any more, and no lock rule stopped the segment{gone}"

    def _by_somebody(self, reset: Trail, left: Event) -> tuple[Cause, str, Rule | None]:
        if left.maker is Maker.NETFILTER:
            refused = replace(left, connection=reset.way.reversed, incoming=None)
            found = culprits(self.rules, refused, resets=True)
            return (
                Cause.REJECT_RULE,
                f"{_named(found, 'a REJECT rule')} answered with a reset, not TCP",
                found[0] if len(found) == 1 else None,
            )
        if left.maker is Maker.FORWARDED:
            return (*self._from_network(reset), None)
        if left.maker is Maker.TCP:
            return Cause.UNKNOWN, "a socket of this kernel sent it; why is not in the record", None
        way = "past the protocol stack (packet socket)" if left.maker is Maker.PACKET_SOCKET else "through a raw socket"
        return Cause.MIDDLEBOX, f"neither end's TCP sent it: {left.command} {left.pid} made it, {way}", None

    def _from_network(self, reset: Trail) -> tuple[Cause, str]:
        arrival = next(iter(reset.arrivals), None)
        if reset.way in self._memory.here:
            return Cause.MIDDLEBOX, "neither end's TCP sent it, though both ends are on this host"
        if arrival is None or arrival.segment is None:
            return Cause.UNKNOWN, "TCP here sent none: it came from a REJECT rule, the peer, or something between"
        ttl, usual = arrival.segment.ttl, arrival.usual_ttl
        if reset.taken and reset.taken.state is TcpState.SYN_SENT:
            return Cause.REFUSED, f"nobody listens on {reset.way.local}: another host answered, with TTL {ttl}"
        if usual is None:
            return Cause.PEER, f"it came from another host with TTL {ttl}: the peer, if nothing between made it"
        if ttl == usual:
            return Cause.PEER, f"the peer sent it: TTL {ttl}, as other segments of {reset.way.local.address} have"
        return Cause.MIDDLEBOX, (
            f"something between sent it: TTL {ttl}, while other segments of {reset.way.local.address} have {usual}"
        )


def attribute(events: Iterable[Event], rules: Sequence[Rule] = ()) -> list[Attribution]:
    """Every reset and every silence in a record of events; oldest first."""
    attributor = Attributor(rules)
    attributor.add(events)
    return attributor.settled()


def _earliest_ns(event: Event) -> int:
    return event.at_ns if event.since_ns is None else event.since_ns


def _answers_syn(sent: Event) -> bool:
    """Whether somebody wanted to connect; SYN and ACK together come from somebody who accepts."""
    return bool(sent.segment and sent.segment.flags & (SYN | ACK) == SYN)


def _translates(rule: Rule, netns: int | None) -> bool:
    return rule.netns == netns and _TRANSLATES.search(rule.text) is not None


def _outcome(effect: Effect, reset: Trail) -> str:
    match effect:
        case Effect.TAKEN:
            return ""
        case Effect.CHALLENGED:
            return "; it was not exactly due, so the receiver asked back (challenge ACK) and lives on"
        case Effect.IGNORED:
            return f"; the receiver did not believe it ({reset.dropped.reason if reset.dropped else ''}) and lives on"
        case Effect.NOBODY:
            return "; it concerned nobody, the other end was gone"
        case Effect.BLOCKED:
            return "; a rule dropped it on its way"
        case Effect.NOT_SEEN:
            return ""


def _named(rules: Sequence[Rule], otherwise: str) -> str:
    if not rules:
        return otherwise
    if len(rules) > 1:
        tables = dict.fromkeys(f"{rule.family} {rule.table}" for rule in rules)
        return f"one of {len(rules)} rules of {', '.join(tables)}"
    rule = rules[0]
    handle = f", handle {rule.handle}" if rule.handle is not None else ""
    return f"rule {rule.text!r} of chain {rule.chain}, table {rule.family} {rule.table} ({rule.backend}{handle})"


def _direction(event: Event) -> str:
    return "received" if event.incoming else "sent"


def _before(earlier: Event, later: Event) -> str:
    seconds = (later.at_ns - earlier.at_ns) / 1e9
    return f"{seconds:.1f} s before" if seconds >= 1 else f"{max(seconds, 0) * 1000:.0f} ms before"
