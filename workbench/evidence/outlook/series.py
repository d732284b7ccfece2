"""A timer that fires again and again until its owner gives up: retransmissions, probes, repeated SYN."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from workbench.evidence.outlook.timer_wheel import Span, TimerWheel

_MOST_FIRINGS = 1000


@dataclass(frozen=True)
class Series:
    """Its rule: at each firing it is over if enough have gone unanswered, or enough time has passed."""

    wheel: TimerWheel
    interval_ms: Callable[[int, float], float]
    """For how long the timer is armed after the n-th firing from now, so many milliseconds after the series began."""
    most: float = inf
    """Over at the firing before which so many went unanswered."""
    limit_ms: float = inf
    """Over at the first firing so far from its beginning, if something went unanswered before."""

    def end(self, due: Span, unanswered: int = 0, passed: Span | None = None) -> Span:
        """When it is over; it fires next at ``due``, when ``passed`` is over since the series began (None: it begins).

        The two bounds are two courses of events, one without any delay and one with all of them. Where just one of them
        is over at a firing, the end may be there or one firing later.
        """
        early, late = due.least, due.most
        since = passed or Span(0, 0)
        least = inf
        uncertain = self.wheel.tick_ms
        for number in range(1, _MOST_FIRINGS):
            if unanswered >= self.most or (unanswered and since.least - uncertain >= self.limit_ms):
                return Span(min(least, early), late)
            if unanswered and since.most + uncertain >= self.limit_ms:
                began = early - since.least, late - since.most
                least = min(least, max(early, min(began) + self.limit_ms))
                # Of the courses that go on the latest one is just short of the limit here.
                late, since = min(late, max(began) + self.limit_ms), Span(since.least, min(since.most, self.limit_ms))
            short, long = (self.interval_ms(number, each) for each in (since.least, since.most))
            first = self.wheel.fires(Span(early, early), short)
            last = self.wheel.fires(Span(late, late), long)
            since = Span(since.least + first.least - early, since.most + last.most - late)
            early, late = first.least, max(last.most, first.least)
            unanswered += 1
        return Span(least, inf)
