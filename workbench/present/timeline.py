"""Events as rows and sentences."""

from collections.abc import Mapping
from datetime import datetime

from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import Event, EventKind, Maker, Segment
from workbench.evidence.socket import TcpState
from workbench.present.line import Line, Tone
from workbench.present.text import printable
from workbench.present.units import count

HEADING = ("TIME", "NETNS", "CONNECTION", "PROCESS", "EVENT")
WIDTHS = (15, 10, 41, 20, 0)
"""Cells of each column; 0 for the rest of the line."""

_MAKERS = {
    Maker.TCP: "a TCP socket",
    Maker.KERNEL: "TCP without a socket, or a raw socket",
    Maker.NETFILTER: "a REJECT rule",
    Maker.PACKET_SOCKET: "a packet socket",
    Maker.FORWARDED: "another host; it is forwarded",
}


def what(event: Event) -> str:
    """The event in a few words, printable."""
    match event.kind:
        case EventKind.STATE:
            return f"{_state(event.before)} -> {_state(event.state)}"
        case EventKind.RESET_SENT:
            whose = "" if event.has_socket else ", no socket"
            state = f", {_state(event.state)}" if event.state else ""
            return printable(f"reset sent: {event.reason or 'no reason given'}{whose}{state}")
        case EventKind.RESET_RECEIVED:
            return "reset received"
        case EventKind.RESET_PACKET:
            return _packet(event)
        case EventKind.RETRANSMISSION:
            return f"retransmission, {_state(event.state)}"
        case EventKind.DROP:
            return _drop(event)
        case EventKind.RULES:
            changes = ", ".join(_change(change, amount) for change, amount in event.details.items())
            return printable(f"rules committed: {changes or 'nothing changed'}")
        case EventKind.STAGE:
            return printable(f"criu: {event.reason}")
        case EventKind.LOSS:
            return printable(f"lost, at least {count(event.lost, 'record')}: {event.reason}")


def why(attribution: Attribution) -> str:
    """Who did it and why, one sentence, printable."""
    kind = "silent" if attribution.cause is Cause.DROP_RULE else "reset"
    return printable(f"{kind} ({attribution.cause.value}): {attribution.sentence}")


def tone(event: Event) -> Tone:
    """What the eye should make of it."""
    match event.kind:
        case EventKind.RESET_SENT | EventKind.RESET_RECEIVED | EventKind.RESET_PACKET | EventKind.LOSS:
            return Tone.BAD
        case EventKind.DROP | EventKind.RETRANSMISSION:
            return Tone.WARNING
        case EventKind.RULES:
            return Tone.LOCK
        case EventKind.STAGE:
            return Tone.STRONG
        case EventKind.STATE:
            return Tone.NORMAL


def event_cells(event: Event, names: Mapping[int, str], wall_ns: int) -> tuple[str, ...]:
    """The cells of one row; ``wall_ns`` added to the event's clock gives the time since the epoch."""
    return (
        clock(event.at_ns + wall_ns),
        namespace(event.netns, names),
        connection(event),
        process(event),
        what(event),
    )


def attribution_cells(found: Attribution, names: Mapping[int, str], wall_ns: int) -> tuple[str, ...]:
    """The same of what was found out; it stands below the events that it is about."""
    ends = f"{found.connection.local} > {found.connection.peer}" if found.connection else "-"
    return clock(found.settled_ns + wall_ns), namespace(found.netns, names), ends, "", f"= {why(found)}"


def event_line(event: Event, names: Mapping[int, str], wall_ns: int) -> Line:
    """A row with its tone, for a screen."""
    *cells, last = event_cells(event, names, wall_ns)
    return (
        *((f"{cell:{width}} ", Tone.NORMAL) for cell, width in zip(cells, WIDTHS, strict=False)),
        (last, tone(event)),
    )


def text_row(cells: tuple[str, ...]) -> str:
    """A row of text; a cell that is too wide moves the rest."""
    return " ".join(f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def clock(at_ns: int) -> str:
    """Time of day here, with microseconds."""
    return datetime.fromtimestamp(at_ns // 1_000_000_000).strftime("%H:%M:%S") + f".{at_ns % 1_000_000_000 // 1000:06d}"  # noqa: DTZ006 - a person reads local time


def namespace(netns: int | None, names: Mapping[int, str]) -> str:
    """Its name, or its inode; ``-`` if it is not known."""
    return "-" if netns is None else printable(names.get(netns, str(netns)))


def connection(event: Event) -> str:
    """Local end, then the other one; a listening socket alone."""
    if event.connection is None:
        return "-"
    local, peer = event.connection.local, event.connection.peer
    return f"{local} > {peer}" if peer.port else str(local)


def process(event: Event) -> str:
    """Who did it, else who owns the socket."""
    if event.pid is not None:
        return printable(f"{event.command} {event.pid}")
    if event.owner_pid is not None:
        return printable(f"{event.owner_command} {event.owner_pid}")
    return printable(event.command) or "-"


def _state(state: TcpState | None) -> str:
    return state.name if state is not None else "?"


def _change(change: str, amount: int | str) -> str:
    """``deleted rule in inet filter``, 6 times: ``deleted 6 rules in inet filter``."""
    verb, thing, rest = (*change.split(" ", 2), "", "")[:3]
    return change if amount == 1 else f"{verb} {amount} {thing}s {rest}"


def _packet(event: Event) -> str:
    segment = _segment(event.segment)
    if not event.incoming:
        return printable(f"segment with RST from {_MAKERS[event.maker] if event.maker else 'here'}{segment}")
    usual = f", others from there {event.usual_ttl}" if event.usual_ttl else ""
    ttl = f" with TTL {event.segment.ttl}{usual}" if event.segment else ""
    return f"segment with RST arrived{ttl}{segment}"


def _drop(event: Event) -> str:
    way = {True: "received segment", False: "segment to send", None: "segment"}[event.incoming]
    where = f" in {event.details['location']}" if "location" in event.details else ""
    return printable(f"{way} dropped: {event.reason}{where}{_segment(event.segment)}")


def _segment(segment: Segment | None) -> str:
    if segment is None:
        return ""
    flags = "".join(letter for bit, letter in enumerate("FSRPA") if segment.flags >> bit & 1)
    return f" ({flags or 'no flags'} seq {segment.seq} ack {segment.ack}, {segment.length} bytes)"
