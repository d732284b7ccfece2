"""One line over the timeline: since when is recorded, how much, what is missing, what it is narrowed to."""

from datetime import datetime

from workbench.evidence import Gap
from workbench.evidence.stretch import Stretch
from workbench.present.line import Line, Piece, Tone, line
from workbench.present.timeline_rows import Timeline
from workbench.present.units import count


def bar_line(
    since: float | None, rows: Timeline | Gap, latest: Stretch | None, narrowed: str, *, following: bool
) -> Line:
    """``since``: wall clock; None for a recording. ``latest``: what the recorder said last.

    What matters least stands last, where a small terminal cuts it off.
    """
    pieces: list[str | Piece] = [" "]
    if narrowed:
        pieces += [("only ", Tone.DIM), (narrowed, Tone.STRONG), ("   ", Tone.DIM)]
    if latest is not None and latest.refused is not None:
        return line(*pieces, ("nothing is recorded", Tone.WARNING))
    if isinstance(rows, Timeline):
        pieces.append((f"{rows.shown} of {rows.total} rows   " if narrowed else f"{rows.total} rows   ", Tone.DIM))
    if latest is not None:
        if latest.lost:
            pieces.append((f"{latest.lost} LOST   ", Tone.BAD))
        if latest.left_out:
            pieces.append((f"{latest.left_out} left out   ", Tone.WARNING))
        if latest.gaps:
            pieces.append((f"{count(len(latest.gaps), 'gap')}: ? tells   ", Tone.WARNING))
    pieces.append(("follows   " if following else "f follows   " if since else "", Tone.DIM))
    if since is not None:
        moment = datetime.fromtimestamp(since)  # noqa: DTZ006 - a person reads local time
        pieces.append((f"since {moment:%H:%M:%S}   ", Tone.DIM))
    if isinstance(rows, Timeline) and rows.total > rows.kept:
        pieces.append((f"{count(rows.kept, 'newest', 'newest')} kept", Tone.DIM))
    return line(*pieces)
