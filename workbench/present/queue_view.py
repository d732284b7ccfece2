"""The queues of a socket as lines: what they hold, hex and text side by side, each line with its sequence number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.errors import WorkbenchError
from workbench.evidence.queues import QueueName, QueuePart, SocketQueues
from workbench.present.line import Line, Tone, line
from workbench.present.payload import looks_like
from workbench.present.text import printable
from workbench.present.units import count

TITLES = {
    QueueName.RECEIVED: "received, not read by the program",
    QueueName.IN_FLIGHT: "sent, not acknowledged",
    QueueName.UNSENT: "never sent",
}
NARROW, WIDE = 8, 16
"""Bytes a line."""
_NUMBER, _OFFSET = 12, 10
"""Cells before the bytes."""
_SHOWN = frozenset(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Form:
    """How a line of bytes is laid out."""

    each: int
    """Bytes a line: a power of two that is easy to count in."""
    offsets: bool
    """Whether there is room for the offset beside the sequence number."""

    @classmethod
    def fitting(cls, width: int) -> "Form":
        """As much as fits into ``width`` cells."""
        for form in (cls(2 * WIDE, True), cls(WIDE, True), cls(WIDE, False), cls(NARROW, True)):
            if form.cells <= width:
                return form
        return cls(NARROW, False)

    @property
    def cells(self) -> int:
        gaps = self.each // 8 - 1
        return _NUMBER + _OFFSET * self.offsets + 3 * self.each + gaps + 1 + self.each


def part_title(part: QueuePart) -> Line:
    """Its name, length, sequence numbers."""
    if not part.length:
        where = "" if part.start is None else f"; the next byte is {part.start}"
        return line((TITLES[part.name], Tone.HEADING), (f"  empty{where}", Tone.DIM))
    numbers = ""
    if part.start is not None:
        numbers = f", sequence numbers {part.start} to {part.sequence(part.length - 1)}"
    cut = "" if len(part.content) == part.length else f", the first {len(part.content)} of them here"
    return line((TITLES[part.name], Tone.HEADING), f"  {count(part.length, 'byte', 'bytes')}{numbers}{cut}")


def guess_line(part: QueuePart) -> Line | None:
    """What it looks like; None for an empty one."""
    found = looks_like(part.content)
    return line(("  looks like ", Tone.DIM), printable(found, 200)) if found else None


def hex_lines(part: QueuePart, start: int, end: int, form: Form, found: Sequence["Found"] = ()) -> Iterator[Line]:
    """Bytes from ``start`` to ``end``; what was found is marked."""
    each = form.each
    marked = {place for one in found if one.part is part.name for place in range(one.start, one.end)}
    for offset in range(start - start % each, min(end, len(part.content)), each):
        chunk = part.content[offset : offset + each]
        pieces: list[tuple[str, Tone]] = [(_label(part, offset, form), Tone.DIM)]
        text: list[tuple[str, Tone]] = []
        for number, byte in enumerate(chunk):
            tone = Tone.WARNING if offset + number in marked else Tone.NORMAL
            gap = " " if number % 8 == 7 and number + 1 < each else ""
            _append(pieces, f"{byte:02x} {gap}", tone)
            shown = chr(byte) if byte in _SHOWN else "."
            _append(text, shown, tone if byte in _SHOWN or tone is not Tone.NORMAL else Tone.DIM)
        missing = each - len(chunk)
        gaps = (each - 1) // 8 - (len(chunk) - 1) // 8 if chunk else 0
        pieces.append((" " * (missing * 3 + gaps + 1), Tone.NORMAL))
        yield (*pieces, *text)


def _label(part: QueuePart, offset: int, form: Form) -> str:
    """Sequence number, offset where there is room or no number."""
    number = part.sequence(offset)
    if number is None:
        return f"{f'+{offset}':<{_NUMBER + _OFFSET * form.offsets}}"
    return f"{number:>10}  " + (f"{f'+{offset}':<{_OFFSET}}" if form.offsets else "")


def _append(pieces: list[tuple[str, Tone]], text: str, tone: Tone) -> None:
    if pieces and pieces[-1][1] is tone:
        pieces[-1] = (pieces[-1][0] + text, tone)
    else:
        pieces.append((text, tone))


@dataclass(frozen=True, slots=True)
class Found:
    """One place at which something that was searched for stands."""

    part: QueueName
    start: int
    """Offset within the part; likewise ``end``, behind its last byte."""
    end: int


def parse_search(text: str) -> bytes:
    """``hex:48 65 6c`` as bytes, anything else as its text in UTF-8. Raises WorkbenchError."""
    if not text.startswith("hex:"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return bytes.fromhex(re.sub(r"[\s:]|0x", "", text[4:]))
    except ValueError as error:
        raise WorkbenchError(f"{text[4:]} is not hexadecimal", "write hex:48656c6c6f or a text") from error


def search(queues: SocketQueues, wanted: bytes, most: int = 1000) -> tuple[Found, ...]:
    """Where it stands, also across the border between what was sent and what was not; of that, the first part."""
    found: list[Found] = []
    sent = [part for part in queues.parts if part.name is not QueueName.RECEIVED]
    for group in ([part for part in queues.parts if part.name is QueueName.RECEIVED], sent):
        content = b"".join(part.content for part in group)
        place = content.find(wanted) if wanted else -1
        while place >= 0 and len(found) < most:
            found.append(_located(group, place, len(wanted)))
            place = content.find(wanted, place + 1)
    return tuple(found)


def _located(group: Sequence[QueuePart], place: int, length: int) -> Found:
    for part in group[:-1]:
        if place < len(part.content):
            return Found(part.name, place, min(place + length, len(part.content)))
        place -= len(part.content)
    return Found(group[-1].name, place, place + length)


def summary_lines(queues: SocketQueues) -> Iterator[Line]:
    """Whose queues they are, how they were read, what could not be."""
    yield line((printable(str(queues.connection)), Tone.STRONG), f"  {queues.state.name}  ", printable(queues.origin))
    if queues.stop:
        stop = queues.stop
        who = f"{count(stop.processes, 'process', 'processes')} ({count(stop.threads, 'thread', 'threads')})"
        yield line(
            f"{who} stood still for {stop.milliseconds:.1f} ms,",
            f" {stop.repair_ms:.2f} ms of it with the socket in repair mode",
        )
    for gap in queues.gaps:
        yield line((f"not read: {printable(gap.reason)}", Tone.DIM))


def queue_lines(
    queues: SocketQueues, width: int, *, most: int | None = None, skip: int = 0, found: Sequence[Found] = ()
) -> Iterator[Line]:
    """All of it; of each part ``most`` bytes from ``skip`` on."""
    yield from summary_lines(queues)
    form = Form.fitting(width)
    for part in queues.parts:
        yield line()
        yield part_title(part)
        if guess := guess_line(part):
            yield guess
        end = len(part.content) if most is None else min(skip + most, len(part.content))
        yield from hex_lines(part, min(skip, len(part.content)), end, form, found)
        if end < len(part.content):
            yield line((f"  {count(len(part.content) - end, 'more byte', 'more bytes')}", Tone.DIM))
