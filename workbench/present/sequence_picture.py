"""Both sequence spaces of a connection, drawn: where each byte stands, and how far the windows reach."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.evidence import Sequences
from workbench.evidence.sequences import distance
from workbench.present.line import Line, Piece, Tone, line


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring bytes of a sequence space in one state."""

    name: str
    size: int | None
    """Bytes; None for what lies before the first number known (acknowledged, read)."""
    fill: str
    tone: Tone


def sequence_picture(sequences: Sequences, width: int) -> list[Line]:
    """Two lines for each direction: the drawing, and its edges as numbers; ``width`` cells wide."""
    return [
        line(("send ", Tone.STRONG), *_drawing(send_stretches(sequences), width - 5)),
        _edges(_send_edges(sequences)),
        line(("recv ", Tone.STRONG), *_drawing(receive_stretches(sequences), width - 5)),
        _edges(_receive_edges(sequences)),
    ]


def send_stretches(sequences: Sequences) -> list[Stretch]:
    """Acknowledged, in flight, unsent (what the window still allows, and what it does not), window left."""
    left = sequences.send_window_left
    unsent = sequences.unsent
    allowed = unsent if left is None else min(unsent, max(left, 0))
    stretches = [
        Stretch("acknowledged", None, "=", Tone.DIM),
        Stretch("in flight", sequences.in_flight, "#", Tone.MOVING),
        Stretch("unsent", allowed, ".", Tone.WARNING),
    ]
    if unsent > allowed:
        stretches.append(Stretch("beyond the window", unsent - allowed, "x", Tone.BAD))
    elif left is not None:
        stretches.append(Stretch("window left", max(left - unsent, 0), " ", Tone.DIM))
    return stretches


def receive_stretches(sequences: Sequences) -> list[Stretch]:
    """Read, unread, and what the peer may still send."""
    stretches = [
        Stretch("read", None, "=", Tone.DIM),
        Stretch("unread", sequences.unread, "-", Tone.WARNING),
    ]
    left = sequences.receive_window_left
    if left is not None:
        stretches.append(Stretch("window left", max(left, 0), " ", Tone.DIM))
    return stretches


def _drawing(stretches: Sequence[Stretch], width: int) -> list[Piece]:
    """Stretches side by side between bars, each as wide as its share, but never narrower than its label."""
    labels = [stretch.name if stretch.size is None else f"{stretch.size} {stretch.name}" for stretch in stretches]
    room = width - len(stretches) - 1
    if sum(map(len, labels)) > room:
        labels = ["" if stretch.size is None else str(stretch.size) for stretch in stretches]
    sizes = _shares(stretches, [len(label) for label in labels], room)
    pieces: list[Piece] = [("[", Tone.NORMAL)]
    for stretch, label, size in zip(stretches, labels, sizes, strict=True):
        padded = f" {label} " if label and size >= len(label) + 2 else label[:size]
        pieces += [(padded.center(size, stretch.fill), stretch.tone), ("|", Tone.NORMAL)]
    pieces[-1] = ("]", Tone.NORMAL)
    return pieces


def _shares(stretches: Sequence[Stretch], least: Sequence[int], room: int) -> list[int]:
    """What is left beyond the labels is dealt out by the number of digits: bytes range over six decades."""
    weights = [3 if stretch.size is None else len(str(stretch.size)) if stretch.size else 0 for stretch in stretches]
    spare = max(room - sum(least), 0)
    sizes = [size + spare * weight // max(sum(weights), 1) for size, weight in zip(least, weights, strict=True)]
    sizes[0] += max(room - sum(sizes), 0)
    return sizes


def _send_edges(sequences: Sequences) -> list[tuple[str, str, Tone]]:
    una = sequences.snd_una
    edges = [
        ("snd_una", str(una), Tone.NORMAL),
        ("snd_nxt", f"+{sequences.in_flight}", Tone.NORMAL),
        ("write_seq", f"+{distance(una, sequences.write_seq)}", Tone.NORMAL),
    ]
    if sequences.snd_wnd is not None:
        edges.append(("window", str(sequences.snd_wnd), Tone.BAD if sequences.snd_wnd == 0 else Tone.NORMAL))
    return edges


def _receive_edges(sequences: Sequences) -> list[tuple[str, str, Tone]]:
    edges = [
        ("copied_seq", str(sequences.copied_seq), Tone.NORMAL),
        ("rcv_nxt", f"+{sequences.unread}", Tone.NORMAL),
    ]
    if sequences.rcv_wnd is not None:
        edges.append(("window", str(sequences.rcv_wnd), Tone.BAD if sequences.rcv_wnd == 0 else Tone.NORMAL))
    return edges


def _edges(edges: Sequence[tuple[str, str, Tone]]) -> Line:
    pieces: list[str | Piece] = ["     "]
    for name, value, tone in edges:
        pieces += [(f"{name} ", Tone.DIM), (value, tone), "   "]
    return line(*pieces)
