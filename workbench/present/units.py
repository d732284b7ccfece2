"""Quantities as a person reads them."""

import math

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


def byte_size(count: int | None) -> str:
    """A size in bytes with a binary unit: ``590 B``, ``4.1 MiB``; ``-`` if unknown."""
    if count is None:
        return "-"
    value = float(count)
    for unit in _BYTES:
        if abs(value) < 1024 or unit == _BYTES[-1]:
            break
        value /= 1024
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def milliseconds(value: float | None) -> str:
    """A short time: ``0.4 ms``, ``31 ms``, ``1.6 s``, ``14 min 20 s``; ``-`` if unknown."""
    if value is None:
        return "-"
    if value < 10:
        return f"{value:.1f} ms"
    if value < 1000:
        return f"{value:.0f} ms"
    if value < 60_000:
        return f"{value / 1000:.1f} s"
    return duration(value / 1000)


def duration(seconds: float) -> str:
    """A time span in its two greatest units: ``12 s``, ``14 min 20 s``, ``3 h 5 min``, ``2 d 4 h``, ``for ever``."""
    if seconds == math.inf:
        return "for ever"
    whole = max(int(seconds), 0)
    for size, name, smaller, smaller_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name} {rest} {smaller_name}" if rest else f"{whole // size} {name}"
    return f"{whole} s"


def timer_left(value_ms: int) -> str:
    """What is left of a timer, short enough for a column: ``0.2s``, ``41s``, ``14m``, ``2h``."""
    if value_ms < 10_000:
        return f"{value_ms / 1000:.1f}s"
    if value_ms < 600_000:
        return f"{value_ms // 1000}s"
    return f"{value_ms // 60_000}m" if value_ms < 7_200_000 else f"{value_ms // 3_600_000}h"


def count(number: int, singular: str, plural: str = "") -> str:
    """``1 connection``, ``3 connections``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
