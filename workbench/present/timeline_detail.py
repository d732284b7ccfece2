"""One row of the timeline in full: what happened, what it means, and what was found out about it."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import Event, EventKind, Segment
from workbench.present.event_reasons import DROPS, RESETS
from workbench.present.line import Line, Tone, line
from workbench.present.text import printable
from workbench.present.timeline import connection, namespace, process, tone, what, why
from workbench.present.timeline_rows import Timeline
from workbench.present.words import STATE_SHORT

_MEANINGS = {
    EventKind.STATE: "The kernel took the socket from one state to another (RFC 9293 3.3.2).",
    EventKind.RESET_SENT: "This kernel decided to end a connection at once, and told the other end so.",
    EventKind.RESET_RECEIVED: "A socket took a reset for real: it is closed, and its program sees ECONNRESET.",
    EventKind.RETRANSMISSION: "Nothing acknowledged these bytes in time, so they are sent once more.",
    EventKind.DROP: "A segment was thrown away; if it had bytes, its sender sends them again.",
    EventKind.RULES: "A transaction of nf_tables (nft, iptables-nft, CRIU) was committed.",
    EventKind.STAGE: "CRIU's log says that it has begun this.",
    EventKind.LOSS: "The record has a hole here: what is missing was not seen by anybody.",
}
_CAUSES = {
    Cause.NO_SOCKET: "Lock a connection before its process is dumped, and keep the lock until the restore.",
    Cause.LOCK_LIFTED: "Do not lift the lock before the restore: `workbench restore` lifts it at the right moment.",
    Cause.TIMED_OUT: "Restore within the patience of the peer; the detail of a connection says how long it is.",
    Cause.LISTENER: "Lock the connection before its process is dumped: here only the listening socket was left.",
    Cause.UNREAD_DATA: "The program ended, or closed, without reading: look why it ended.",
    Cause.REJECT_RULE: "Look at the rule on Netfilter (3).",
    Cause.DROP_RULE: "Look at the rule on Netfilter (3); a lock of CRIU is shown with what it belongs to.",
    Cause.PEER: "Record on the peer's host to learn its reason: `workbench events` there.",
    Cause.MIDDLEBOX: "Look for a firewall, load balancer or NAT between the two, and for its idle timeout.",
}
"""What to do about it."""
_LABEL = 9


def event_detail(event: Event, timeline: Timeline) -> list[Line]:
    """The event, then the attribution of the reset that it belongs to."""
    lines = [line((what(event), tone(event) if tone(event) is not Tone.NORMAL else Tone.STRONG))]
    lines += _facts(event, timeline.names, timeline.wall_ns)
    reason = {EventKind.DROP: DROPS, EventKind.RESET_SENT: RESETS}.get(event.kind, {}).get(event.reason)
    if reason:
        lines.append(_labelled("reason", f"{printable(event.reason)}: {reason}"))
    lines.append(_labelled("meaning", (_MEANINGS.get(event.kind, ""), Tone.DIM)))
    found = next((one for one in reversed(timeline.attributions) if _belongs(event, one)), None)
    if found is not None:
        lines += [line(), *_finding(found)]
    return lines


def attribution_detail(found: Attribution, timeline: Timeline) -> list[Line]:
    """Who did it and why, the rule if one did, and what to do."""
    lines = [line((why(found), Tone.STRONG))]
    lines.append(_labelled("when", _moment(found.at_ns + timeline.wall_ns)))
    if found.connection:
        lines.append(_labelled("from", f"{found.connection.local} to {found.connection.peer}"))
    lines.append(_labelled("netns", namespace(found.netns, timeline.names)))
    return [*lines, *list(_finding(found))[1:]]


def _finding(found: Attribution) -> Iterator[Line]:
    yield _labelled("who", (why(found), Tone.STRONG))
    yield _labelled("effect", found.effect.value)
    if found.rule is not None:
        rule = found.rule
        place = f"{rule.backend.value}, table {rule.family} {rule.table}, chain {rule.chain}"
        handle = "" if rule.handle is None else f", handle {rule.handle}"
        yield _labelled("rule", printable(rule.text))
        yield _labelled("", (printable(place + handle), Tone.DIM))
    if found.ends:
        yield _labelled("pids", ", ".join(map(str, sorted(found.ends))))
    if found.cause in _CAUSES:
        yield _labelled("do", _CAUSES[found.cause])


def _facts(event: Event, names: Mapping[int, str], wall_ns: int) -> Iterator[Line]:
    yield _labelled("when", _moment(event.at_ns + wall_ns))
    if event.connection is not None:
        yield _labelled("ends", printable(connection(event)))
    if event.netns is not None:
        yield _labelled("netns", namespace(event.netns, names))
    if process(event) != "-":
        role = "who" if event.pid is not None or event.owner_pid is None else "owner"
        yield _labelled(role, process(event))
    if event.pid is not None and event.owner_pid is not None and event.owner_pid != event.pid:
        yield _labelled("owner", printable(f"{event.owner_command} {event.owner_pid}"))
    if event.state is not None and event.kind is not EventKind.STATE:
        yield _labelled("state", f"{event.state.name} ({STATE_SHORT[event.state]})")
    if event.segment is not None:
        yield _labelled("segment", _segment(event.segment))
    if event.cookie:
        yield _labelled("cookie", (str(event.cookie), Tone.DIM))
    for name, value in event.details.items():
        yield _labelled(printable(name) if len(name) < _LABEL else "", printable(_detail(name, value)))


def _detail(name: str, value: int | str) -> str:
    return str(value) if len(name) < _LABEL else f"{name}: {value}"


def _segment(segment: Segment) -> str:
    flags = "".join(letter for bit, letter in enumerate("FSRPA") if segment.flags >> bit & 1) or "none"
    return (
        f"flags {flags}, seq {segment.seq}, ack {segment.ack}, window {segment.window} (not scaled), "
        f"{segment.length} bytes, TTL {segment.ttl}"
    )


def _belongs(event: Event, found: Attribution) -> bool:
    if event.connection is None or found.connection is None:
        return False
    resets = {EventKind.RESET_SENT, EventKind.RESET_RECEIVED}
    reset = event.kind in resets or bool(event.segment and event.segment.is_reset)
    same = event.connection in {found.connection, found.connection.reversed}
    if found.cause is Cause.DROP_RULE:
        return same and event.reason == "NETFILTER_DROP" and event.at_ns >= found.at_ns
    return reset and same and found.at_ns <= event.at_ns <= found.settled_ns


def _moment(at_ns: int) -> str:
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000)  # noqa: DTZ006 - a person reads local time
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_ns % 1_000_000_000 // 1000:06d}"


def _labelled(label: str, *pieces: str | tuple[str, Tone]) -> Line:
    return line((f"{label:<{_LABEL}}", Tone.DIM), *pieces)
