"""The live host at two speeds: what moves every second, what hardly changes every now and then."""

import time
from dataclasses import fields, replace
from typing import Any

from workbench.collect.live import EVERY_SECOND, SECTIONS, LiveSource
from workbench.evidence import Evidence

SLOW = frozenset({"host", "sysctls", "network", "conntrack"})
SLOW_S = 15.0


class PacedSource:
    """A live source whose first look takes only what the first screen needs."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._quick = (EVERY_SECOND | SECTIONS) - SLOW - {"descriptors"}
        self._slow: Evidence | None = None
        self._slow_due: float | None = None

    @property
    def label(self) -> str:
        return self._source.label

    @property
    def is_live(self) -> bool:
        return True

    def evidence(self) -> Evidence:
        """Look now; sections that hardly change are those of the last time they were looked at."""
        if self._slow_due is None:
            self._slow_due = 0.0
            return self._source.evidence(EVERY_SECOND)
        now = time.monotonic()
        if now >= self._slow_due:
            self._slow = self._source.evidence(self._quick | SLOW)
            self._slow_due = now + SLOW_S
            return self._slow
        found = self._source.evidence(self._quick)
        assert self._slow is not None
        kept: dict[str, Any] = {
            item.name: getattr(self._slow, item.name) for item in fields(Evidence) if item.name in SLOW
        }
        gaps = tuple(gap for gap in self._slow.partial if gap.section in SLOW)
        return replace(found, **kept, partial=(*found.partial, *gaps))

    def close(self) -> None:
        self._source.close()
