"""How long each part of a hand-off took."""

import time


class Clock:
    """Laps, and the moments between which somebody waits."""

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self.laps: list[tuple[str, float]] = []
        self.frozen: float | None = None
        self.thawed: float | None = None
        self.locked: float | None = None
        self.released: float | None = None

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps.append((name, (now - self._since) * 1000))
        self._since = now

    @staticmethod
    def between(start: float | None, end: float | None) -> float | None:
        return None if start is None or end is None else (end - start) * 1000
