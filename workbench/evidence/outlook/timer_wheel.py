"""When a timer of the kernel fires: never early, and late by up to an eighth of how long it runs.

kernel/time/timer.c keeps timers in levels of 64 buckets; a bucket of level n is 8^n ticks wide, and a timer fires when
its bucket is over. So whoever knows the kernel's tick counter knows the tick in which a timer fires, and who does not,
like for a peer on another machine, knows it to an eighth.
"""

from dataclasses import dataclass

DELAY_MS = 50.0
"""How much longer a busy processor may take to run what is due; on an idle one it is less than a tick."""
_LEVELS = 8
_FIRST_LEVEL = 63
"""Ticks from which on the next level serves (LVL_START)."""
LATE = 8 / 63
"""A bucket of any level is no wider than this part of the shortest time that the level serves."""
_SLOWEST_TICK_MS = 10.0


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is known within bounds; milliseconds from the moment at which the evidence was taken."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class TimerWheel:
    """The timers of one machine."""

    hz: int | None = None
    """Ticks a second; None: not known. Likewise the following."""
    jiffies: int | None = None
    """Its tick counter at the moment at which the evidence was taken."""

    @property
    def tick_ms(self) -> float:
        return 1000 / self.hz if self.hz else _SLOWEST_TICK_MS

    def fires(self, armed: Span, interval_ms: float, latest_ms: float | None = None) -> Span:
        """When a timer fires that is armed within ``armed`` for ``interval_ms`` (armed late: for ``latest_ms``)."""
        longest = interval_ms if latest_ms is None else latest_ms
        if self.jiffies is None:
            late = longest * LATE if self.hz is None else self._bucket_ms(longest)
            return Span(armed.least + interval_ms, armed.most + longest + late + self.tick_ms + DELAY_MS)
        return Span(
            self._bucket_ends(self.jiffies, armed.least, interval_ms),
            self._bucket_ends(self.jiffies, armed.most, longest) + DELAY_MS,
        )

    def _level(self, ticks: int) -> int:
        return next(level for level in range(_LEVELS) if ticks < _FIRST_LEVEL << 3 * level or level == _LEVELS - 1)

    def _bucket_ms(self, interval_ms: float) -> float:
        return float(1 << 3 * self._level(round(interval_ms / self.tick_ms))) * self.tick_ms

    def _bucket_ends(self, now: int, armed_ms: float, interval_ms: float) -> float:
        ticks = max(round(interval_ms / self.tick_ms), 1)
        level = self._level(ticks)
        bucket = (now + round(armed_ms / self.tick_ms) + ticks >> 3 * level) + 1
        return ((bucket << 3 * level) - now) * self.tick_ms
