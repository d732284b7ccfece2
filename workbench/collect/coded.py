"""Fields of very many records: one array each instead of a value for each record."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect.arrays import distinct


@dataclass(frozen=True, slots=True)
class Coded:
    """A field with few values."""

    values: Sequence[Any]
    which: NDArray[np.intp]
    """The place in ``values`` of each record's."""

    def map(self, change: Callable[[Any], Any]) -> "Coded":
        return Coded([change(value) for value in self.values], self.which)

    def are(self, value: Any) -> NDArray[np.bool_]:
        """Of which records it is this value."""
        return np.array([each == value for each in self.values], np.bool_)[self.which]

    def but(self, where: NDArray[np.bool_], value: Any) -> "Coded":
        """The same with another value there."""
        return Coded([*self.values, value], np.where(where, len(self.values), self.which))

    def at(self, places: NDArray[np.intp]) -> "Coded":
        """Those of some records."""
        return Coded(self.values, self.which[places])

    def tolist(self) -> list[Any]:
        return [self.values[place] for place in self.which.tolist()]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A field with many values, which are no negative numbers."""

    values: NDArray[Any]
    absent: NDArray[np.bool_] | None = None
    """Where there is none."""

    def but(self, where: NDArray[np.bool_], value: None) -> "Numbered":
        """The same without those there."""
        return Numbered(self.values, where if self.absent is None else where | self.absent)

    def tolist(self) -> list[Any]:
        found: list[Any] = self.values.tolist()
        for place in () if self.absent is None else np.flatnonzero(self.absent).tolist():
            found[place] = None
        return found


Column = Coded | Numbered


def coded(values: Iterable[Hashable]) -> Coded:
    """The field of each record in turn."""
    places: dict[Hashable, int] = {}
    which = np.array([places.setdefault(value, len(places)) for value in values], np.intp)
    return Coded([*places], which)


def coded_numbers(values: NDArray[Any]) -> Coded:
    """The same from an array."""
    once = distinct(values)
    return Coded(once, np.searchsorted(np.array(once, values.dtype), values))


def together(parts: Sequence[Coded]) -> Coded:
    """One below the other; a value of several parts is there several times."""
    starts = np.cumsum([0, *(len(part.values) for part in parts)])
    which = [part.which + start for part, start in zip(parts, starts.tolist(), strict=False)]
    values = [value for part in parts for value in part.values]
    return Coded(values, np.concatenate(which) if which else np.empty(0, np.intp))
