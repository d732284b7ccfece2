"""The edges of both windows and the clocks of the timestamps, as numbers."""

from collections.abc import Iterator

from workbench.evidence import Sequences, TcpInfo
from workbench.evidence.sequences import SEQUENCE_MODULUS, distance
from workbench.present.line import Line, Tone, line

_TIMESTAMPS, _SCALING = 1, 4  # TCPI_OPT_*


def window_lines(sequences: Sequences, info: TcpInfo | None) -> Iterator[Line]:
    """For each direction: how much was announced, as it went over the wire, up to which number, what is left of it."""
    scaled = info is not None and info.options & _SCALING != 0
    if sequences.snd_wnd is not None:
        announced = _announced(sequences.snd_wnd, info.snd_wscale if info and scaled else 0)
        edge = (sequences.snd_una + sequences.snd_wnd) % SEQUENCE_MODULUS
        yield _window("may send", announced, edge, sequences.send_window_left, sequences.max_window)
    if sequences.rcv_wnd is not None and sequences.rcv_wup is not None:
        announced = _announced(sequences.rcv_wnd, info.rcv_wscale if info and scaled else 0)
        edge = (sequences.rcv_wup + sequences.rcv_wnd) % SEQUENCE_MODULUS
        yield _window("may come", announced, edge, sequences.receive_window_left, None)
        since = distance(sequences.rcv_wup, sequences.rcv_nxt)
        if since:
            yield _labelled("", (f"{since} bytes have come since it was announced (rcv_wup)", Tone.DIM))
    if sequences.out_of_order:
        yield _labelled("", ("segments wait behind a gap (out of order)", Tone.WARNING))
    if info and info.options & _TIMESTAMPS and sequences.tsoffset is not None:
        yield _labelled("clocks", f"offset of ours {sequences.tsoffset}, the peer's last one {sequences.ts_recent}")


def _window(what: str, announced: str, edge: int, left: int | None, largest: int | None) -> Line:
    usable = "" if left is None else f", {left} usable" if left >= 0 else f", taken back by {-left}"
    most = f", at most {largest} so far" if largest else ""
    tone = Tone.BAD if left is not None and left <= 0 else Tone.NORMAL
    return _labelled("window", (f"{what} {announced} up to {edge}{usable}{most}", tone))


def _announced(window: int, scale: int) -> str:
    """``65536 (1024 x 2^6)``: on the wire stand 16 bits, which both sides agreed to shift (RFC 7323 2.2)."""
    return f"{window} ({window >> scale} x 2^{scale})" if scale else str(window)


def _labelled(label: str, *pieces: str | tuple[str, Tone]) -> Line:
    return line((f"{label:<7}", Tone.DIM), *pieces)
