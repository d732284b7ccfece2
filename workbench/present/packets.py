"""Segments of a capture as rows: when, who to whom, numbers, and what is notable, in the order of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.evidence import Capture, Connection, Packet
from workbench.evidence.event import ACK, FIN, PSH, RST, SYN
from workbench.evidence.packet import CWR, ECE, URG
from workbench.evidence.packet_notes import Flow, Followed, Noted
from workbench.evidence.packet_sign import Note, Sign
from workbench.present.line import Line, Tone, heading, line
from workbench.present.table import Column, Row, Table, make_table
from workbench.present.text import printable
from workbench.present.units import byte_size, count, milliseconds

COLUMNS = (
    Column("packet_at", "AT", "a", 10, 14, right=True),
    Column("packet_delta", "AFTER", "e", 8, 9, leaves=6, right=True),
    Column("packet_interface", "SEEN AT", "i", 12, 24, leaves=7, keep_end=True),
    Column("packet_way", "FROM, TO", "w", 13, 44, keep_end=True),
    Column("packet_flags", "FLAGS", "f", 7, 12),
    Column("packet_seq", "SEQ", "q", 4, 10, leaves=2, right=True),
    Column("packet_ack", "ACK", "k", 4, 10, leaves=3, right=True),
    Column("packet_window", "WIN", "n", 3, 6, leaves=4, right=True),
    Column("packet_length", "LEN", "l", 3, 6, right=True),
    Column("packet_notes", "WHAT", "t", 26, 90),
)
_FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (PSH, "P"), (URG, "URG"), (ECE, "ECE"), (CWR, "CWR"))
_SENTENCES = {
    Sign.COPY: "the same segment again, seen here",
    Sign.RETRANSMISSION: "retransmission",
    Sign.FAST_RETRANSMISSION: "fast retransmission",
    Sign.SPURIOUS_RETRANSMISSION: "spurious retransmission: it was acknowledged already",
    Sign.OUT_OF_ORDER: "out of order",
    Sign.KEEPALIVE: "keepalive probe, or the end of repair mode",
    Sign.KEEPALIVE_ANSWER: "answer to a probe",
    Sign.WINDOW_PROBE: "probe into a window of zero",
    Sign.ZERO_WINDOW: "window of zero",
    Sign.WINDOW_OPENED: "window open again",
    Sign.WINDOW_FULL: "fills the window",
    Sign.RESET: "reset",
    Sign.RESET_CHALLENGED: "reset that is challenged: within the window, not at its beginning",
}
_TONES = {
    Sign.COPY: Tone.DIM, Sign.GAP: Tone.WARNING, Sign.RETRANSMISSION: Tone.WARNING,
    Sign.FAST_RETRANSMISSION: Tone.WARNING, Sign.SPURIOUS_RETRANSMISSION: Tone.WARNING,
    Sign.OUT_OF_ORDER: Tone.WARNING, Sign.DUP_ACK: Tone.WARNING, Sign.ACK_UNSEEN: Tone.WARNING,
    Sign.ACK_BACK: Tone.WARNING, Sign.ZERO_WINDOW: Tone.LOCK, Sign.WINDOW_PROBE: Tone.LOCK, Sign.WINDOW_FULL: Tone.LOCK,
    Sign.WINDOW_SHRUNK: Tone.LOCK, Sign.RESET: Tone.BAD, Sign.RESET_CHALLENGED: Tone.BAD,
    Sign.RESET_OUT_OF_WINDOW: Tone.BAD, Sign.ODD_TTL: Tone.BAD, Sign.RESUMED: Tone.GOOD, Sign.WINDOW_OPENED: Tone.GOOD,
}  # fmt: skip
_WORST = (Tone.BAD, Tone.LOCK, Tone.WARNING, Tone.GOOD, Tone.DIM)


def note_text(note: Note) -> str:
    """One sign in words."""
    match note.sign:
        case Sign.GAP:
            return f"gap: {count(note.value, 'byte', 'bytes')} before it not seen"
        case Sign.DUP_ACK:
            return f"duplicate ACK {note.value}"
        case Sign.ACK_UNSEEN:
            return f"acknowledges {count(note.value, 'byte', 'bytes')} that were not seen"
        case Sign.ACK_BACK:
            return f"acknowledges {count(note.value, 'byte', 'bytes')} less than before"
        case Sign.WINDOW_SHRUNK:
            return f"window shrunk by {count(note.value, 'byte', 'bytes')}" if note.value else "window shrunk"
        case Sign.RESET_OUT_OF_WINDOW:
            side = "before" if note.value < 0 else "beyond"
            return f"reset out of window: ignored, {abs(note.value)} {side} what is expected"
        case Sign.ODD_TTL:
            return f"TTL is not the usual {note.value}"
        case Sign.RESUMED:
            return f"first answer after {milliseconds(note.value / 1e6)}"
        case _:
            return _SENTENCES[note.sign]


def flags_text(flags: int) -> str:
    """``SYN ACK``; a bare ACK is ``.`` as tcpdump has it."""
    named = [name for bit, name in _FLAGS if flags & bit]
    if flags & ACK:
        named.append("ACK" if flags & (SYN | RST | FIN) else ".")
    return " ".join(named) or "none"


def options_text(packet: Packet) -> str:
    """TCP options that matter: those of SYNs, and SACK blocks."""
    parts = []
    if packet.flags & SYN:
        parts += [f"mss {packet.mss}"] if packet.mss is not None else []
        parts += [f"wscale {packet.wscale}"] if packet.wscale is not None else []
        parts += ["sack"] if packet.sack_permitted else []
        parts += ["timestamps"] if packet.tsval is not None else []
        return f"offers {', '.join(parts)}" if parts else "offers no options"
    return f"SACK of {count(len(packet.sack), 'block')}" if packet.sack else ""


@dataclass(frozen=True, slots=True)
class PacketRows:
    """Rows of one capture; ``first_ns`` is what times are counted from."""

    capture: Capture
    followed: Followed
    first_ns: int

    @classmethod
    def of(cls, capture: Capture, followed: Followed) -> "PacketRows":
        return cls(capture, followed, capture.packets[0].at_ns if capture.packets else 0)

    def table(self, empty: str, *, most: int | None = None, copies: bool = False, notable: bool = False) -> Table:
        """The newest ``most`` segments, or all; ``copies``: also those seen at another interface before.

        ``notable``: only those with something to note.
        """
        wanted = [*self._wanted(copies=copies, notable=notable)]
        start = 0 if most is None else max(len(wanted) - most, 0)
        before = wanted[start - 1][1].packet.at_ns if start else self.first_ns
        rows = []
        for number, one in wanted[start:]:
            rows.append(self._row(number, one, before))
            before = one.packet.at_ns
        return make_table(COLUMNS, rows, empty)

    def count(self, *, copies: bool = False, notable: bool = False) -> int:
        """How many rows there are in all."""
        return sum(1 for _ in self._wanted(copies=copies, notable=notable))

    def cells(self, *, copies: bool = False, notable: bool = False) -> Iterator[tuple[str, ...]]:
        """The texts of the same rows, one row after the other."""
        before = self.first_ns
        for _, one in self._wanted(copies=copies, notable=notable):
            yield self._cells(one, before)
            before = one.packet.at_ns

    def _wanted(self, *, copies: bool, notable: bool) -> Iterator[tuple[int, Noted]]:
        return (
            (number, one)
            for number, one in enumerate(self.followed.segments)
            if (copies or not one.has(Sign.COPY)) and (one.notes or not notable)
        )

    def _cells(self, one: Noted, before_ns: int) -> tuple[str, ...]:
        packet, flows = one.packet, self.followed.flows
        texts = [text for text in (options_text(packet), *(note_text(note) for note in one.notes)) if text]
        if packet.comment:
            texts.append(f'"{printable(packet.comment, 80)}"')
        return (
            f"{(packet.at_ns - self.first_ns) / 1e9:.6f}",
            f"+{(packet.at_ns - before_ns) / 1e9:.4f}",
            self._interface(packet) if len(self.capture.interfaces) > 1 else "",
            way_text(packet.way, flows[0].connection if flows else packet.way, len(flows) > 1),
            flags_text(packet.flags),
            str(one.seq),
            "" if one.ack is None else str(one.ack),
            str(packet.window),
            str(packet.length) if packet.length else "",
            "; ".join(texts),
        )

    def _row(self, number: int, one: Noted, before_ns: int) -> Row:
        packet, cells = one.packet, self._cells(one, before_ns)
        tone = next((tone for tone in _WORST for note in one.notes if _TONES.get(note.sign) is tone), Tone.NORMAL)
        tones = (Tone.DIM,) * len(cells) if tone is Tone.DIM else (*(Tone.NORMAL,) * (len(cells) - 1), tone)
        order = (
            packet.at_ns, packet.at_ns - before_ns, cells[2], str(packet.way), cells[4], one.seq, one.ack or 0,
            packet.window, packet.length, cells[9],
        )  # fmt: skip
        return Row(number, cells, order, one, tones)

    def _interface(self, packet: Packet) -> str:
        if packet.interface >= len(self.capture.interfaces):
            return ""
        name = printable(self.capture.interfaces[packet.interface].name, 40)
        sign = "" if packet.incoming is None else "<" if packet.incoming else ">"
        return f"{name}{sign}"


def way_text(way: Connection, first: Connection, several: bool) -> str:
    """Both ends where there are several connections, else an arrow from the end that was seen first, or to it."""
    if several:
        return printable(f"{way.local} > {way.peer}")
    return (
        f"{printable(str(way.local.port))} > {way.peer.port}" if way == first else f"{way.peer.port} < {way.local.port}"
    )


def summary_lines(capture: Capture, followed: Followed) -> Iterator[Line]:
    """What was captured, and each connection in a line; the first fifty of them."""
    packets = capture.packets
    if packets:
        begun = datetime.fromtimestamp(packets[0].at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        length = milliseconds((packets[-1].at_ns - packets[0].at_ns) / 1e6)
        yield line(
            f"{count(len(packets), 'segment')} of {count(len(followed.flows), 'connection')} in {length}, from {begun}"
        )
    else:
        yield line("no TCP segments")
    if capture.dropped:
        yield line((f"{capture.dropped} packets came too quickly and are missing", Tone.WARNING))
    if capture.others or capture.unreadable:
        unreadable = f", {capture.unreadable} cannot be read" if capture.unreadable else ""
        yield line((f"{count(capture.others, 'other packet')} left out{unreadable}", Tone.DIM))
    for text in (*capture.comments, *capture.problems):
        yield line((printable(text, 300), Tone.DIM))
    for flow in followed.flows[:50]:
        yield from flow_lines(flow)
    if len(followed.flows) > 50:
        yield line((f"and {len(followed.flows) - 50} more connections", Tone.DIM))


def flow_lines(flow: Flow) -> Iterator[Line]:
    """One connection: how much each way, what was noted, who waits."""
    out, back = flow.sent.get(flow.connection, 0), flow.sent.get(flow.connection.reversed, 0)
    yield line(
        (printable(str(flow.connection)), Tone.STRONG),
        f"  {count(flow.packets, 'segment')}, {byte_size(out)} out, {byte_size(back)} back",
    )
    signs = [f"{number} x {sign.value}" for sign, number in flow.signs.items()]
    if signs:
        yield line(("  " + ", ".join(signs), Tone.DIM))
    for waiting in flow.waiting:
        since = milliseconds((flow.last_ns - waiting.since_ns) / 1e6)
        yield line(f"  {waiting.way.local} waits for an answer to {count(waiting.segments, 'segment')}, since {since}")
    for way, since_ns in flow.closed_windows:
        yield line(
            f"  {printable(str(way.local))} has a window of zero, for {milliseconds((flow.last_ns - since_ns) / 1e6)}"
        )


def packet_detail(one: Noted, capture: Capture, bytes_shown: int = 512) -> Sequence[Line]:
    """All that is known of one segment."""
    packet = one.packet
    at = datetime.fromtimestamp(packet.at_ns // 1_000_000_000, UTC)
    lines = [
        line((printable(f"{packet.way}"), Tone.STRONG)),
        line(f"time     {at:%Y-%m-%d %H:%M:%S}.{packet.at_ns % 1_000_000_000:09d} UTC"),
        line(f"seq      {packet.seq} (relative {one.seq})" + (f" to {one.seq + packet.size}" if packet.size else "")),
        line(f"ack      {packet.ack} (relative {one.ack})" if one.ack is not None else "ack      none"),
        line(f"flags    {flags_text(packet.flags)}   window {packet.window}   TTL {packet.ttl}"),
    ]
    if packet.interface < len(capture.interfaces) and (name := capture.interfaces[packet.interface].name):
        direction = "" if packet.incoming is None else ", came in" if packet.incoming else ", went out"
        lines.append(line(f"seen at  {printable(name, 80)}{direction}"))
    if packet.tsval is not None:
        lines.append(line(f"stamps   {packet.tsval}, echo {packet.tsecr}"))
    if text := options_text(packet):
        lines.append(line(f"options  {text}"))
    lines += [line(f"SACK     {start} to {end}") for start, end in packet.sack]
    lines += [line((f"-> {note_text(note)}", _TONES.get(note.sign, Tone.NORMAL))) for note in one.notes]
    if packet.length:
        kept = len(packet.payload)
        lines.append(line())
        lines.append(heading(f"payload: {count(packet.length, 'byte', 'bytes')}, {kept} of them captured"))
        lines += _payload(packet, bytes_shown)
    return lines


def _payload(packet: Packet, most: int) -> Iterator[Line]:
    from workbench.evidence.queues import QueueName, QueuePart
    from workbench.present.queue_view import Form, guess_line, hex_lines

    part = QueuePart(QueueName.RECEIVED, packet.payload, packet.length, packet.seq)
    if guess := guess_line(part):
        yield guess
    yield from hex_lines(part, 0, most, Form.fitting(78))
