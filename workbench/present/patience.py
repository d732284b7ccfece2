"""How long the end of a connection waits, in words."""

from collections.abc import Iterator

from workbench.evidence.outlook import Outlook, Span
from workbench.present.units import duration, milliseconds


def span_text(span: Span) -> str:
    """``15 min 27 s to 15 min 55 s``, ``6.8 s to 6.9 s``; one of them where both are alike."""
    low, high = _time(span.least), _time(span.most)
    return low if low == high else f"{low} to {high}"


def end_text(ahead: Outlook) -> str:
    """``gives up in 6.8 s to 6.9 s``; empty if it never does."""
    return f"gives up in {span_text(ahead.ends)}" if ahead.ends else ""


def explanation(ahead: Outlook) -> Iterator[str]:
    """What the timer will do, how this end ends, how its time comes about, and what was taken for granted."""
    if ahead.then:
        yield f"the timer then {ahead.then}"
    if ahead.formula:
        yield f"{ahead.formula}; at the end {ahead.ending}" if ahead.ends else ahead.formula
    elif ahead.ending:
        yield ahead.ending
    if ahead.assumed:
        yield f"assumed: {', '.join(ahead.assumed)}"


def _time(value_ms: float) -> str:
    if value_ms == float("inf"):
        return "who knows how long"
    return milliseconds(max(value_ms, 0)) if value_ms < 60_000 else duration(value_ms / 1000)
