"""Lists of very many rows, put together as bytes: 100 000 rows without a text for each of their fields.

A column gives a matrix with a row of bytes for each row of the list. Zero bytes stand for nothing: they make all
rows of a column equally wide, and are left out in the end.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 4096
"""Rows that are put together at a time: so many stay in the processor's cache."""
_GROUP = 10_000


class Cells(Protocol):
    """One column of a list."""

    width: int
    """Bytes that each row takes."""

    def write(self, part: slice, rows: NDArray[np.uint8]) -> None:
        """Put this part of the list into ``rows`` as bytes of UTF-8, zeros between, before or after them."""

    def lengths(self) -> NDArray[np.uint16]:
        """Characters in each row of the whole list."""


def _digits() -> NDArray[np.uint32]:
    """Four decimal digits of each number below 10 000, then the same with zero bytes for leading zeros."""
    numbers = np.arange(_GROUP)
    digits = np.stack([numbers // 1000, numbers // 100 % 10, numbers // 10 % 10, numbers % 10], axis=1)
    leading = np.logical_and.accumulate(digits == 0, axis=1)
    texts = (digits + ord("0")).astype(np.uint8)
    return np.concatenate([texts, np.where(leading, np.uint8(0), texts)]).view(np.uint32)[:, 0]


_DIGITS = _digits()


class Numbers:
    """Numbers in decimal."""

    def __init__(self, values: NDArray[Any], absent: NDArray[np.bool_] | None = None, word: str = "") -> None:
        """``word`` stands where a value is absent."""
        most = int(values.max(initial=0))
        self._values: NDArray[Any] = values.astype(np.uint32 if most < 1 << 32 else np.uint64)
        self._absent = absent
        self._word = np.frombuffer(word.encode(), np.uint8)
        self._digits = len(str(most))
        self.width = max(self._digits, 0 if absent is None else len(self._word))

    def write(self, part: slice, rows: NDArray[np.uint8]) -> None:
        values = rest = self._values[part]
        groups = np.empty((len(rest), -(-self._digits // 4)), np.uint32)
        for place in reversed(range(groups.shape[1])):
            number, rest = rest, rest // _GROUP
            four = (number - rest * _GROUP).astype(np.intp)
            four[rest == 0] += _GROUP
            groups[:, place] = _DIGITS[four]
        digits = groups.view(np.uint8)
        digits[values == 0, -1] = ord("0")
        rows[:, : -self._digits] = 0
        rows[:, -self._digits :] = digits[:, -self._digits :]
        if self._absent is not None and (absent := self._absent[part]).any():
            rows[absent] = 0
            rows[absent, : len(self._word)] = self._word

    def lengths(self) -> NDArray[np.uint16]:
        found = np.ones(len(self._values), np.uint16)
        for digits in range(1, self._digits):
            found += self._values >= 10**digits
        if self._absent is not None:
            found[self._absent] = len(self._word)
        return found


class Words:
    """Texts of which there are few."""

    def __init__(self, texts: Sequence[str], which: NDArray[Any]) -> None:
        """``which`` is the number of each row's text."""
        encoded = [text.encode() for text in texts]
        self.width = max(map(len, encoded), default=0)
        padded = b"".join(text.ljust(self.width, b"\0") for text in encoded)
        self._rows = np.frombuffer(padded, np.uint8).reshape(len(encoded), self.width)
        self._lengths = np.array([len(text) for text in texts], np.uint16)
        self._which = which

    def write(self, part: slice, rows: NDArray[np.uint8]) -> None:
        rows[:] = self._rows[self._which[part]]

    def lengths(self) -> NDArray[np.uint16]:
        found: NDArray[np.uint16] = self._lengths[self._which]
        return found


class Aligned:
    """Columns one after the other as one that is equally wide in every row, by spaces after or before them."""

    def __init__(self, *columns: Cells, least: int, right: bool = False) -> None:
        """``least``: characters that it takes at least."""
        lengths = np.sum([column.lengths() for column in columns], axis=0, dtype=np.uint16)
        self.characters = max(int(lengths.max(initial=0)), least)
        self._missing: NDArray[np.intp] = np.subtract(self.characters, lengths, dtype=np.intp)
        most = int(self._missing.max(initial=0))
        spaces = Words([" " * count for count in range(most + 1)], self._missing)
        self._parts = _placed([spaces, *columns] if right else [*columns, spaces])
        self.width = spaces.width + sum(column.width for column in columns)

    def write(self, part: slice, rows: NDArray[np.uint8]) -> None:
        for place, column in self._parts:
            column.write(part, rows[:, place])

    def lengths(self) -> NDArray[np.uint16]:
        return np.full(len(self._missing), self.characters, np.uint16)


def _placed(columns: Sequence[Cells]) -> list[tuple[slice, Cells]]:
    """Where each of these stands, side by side."""
    ends = [*accumulate((column.width for column in columns), initial=0)]
    return [(slice(*place), column) for place, column in zip(pairwise(ends), columns, strict=True)]


def stretches(parts: Sequence[str | Cells], count: int, between: str) -> Iterator[str]:
    """All ``count`` rows, many to a text, with ``between`` among them; each row has all parts one after the other."""
    at_once = min(count, _AT_ONCE)
    each = [Words([part], np.zeros(at_once, np.intp)) if isinstance(part, str) else part for part in (*parts, between)]
    matrix = np.empty((at_once, sum(column.width for column in each)), np.uint8)
    columns = []
    for part, (place, column) in zip((*parts, between), _placed(each), strict=True):
        if isinstance(part, str):  # it is the same in all stretches
            column.write(slice(at_once), matrix[:, place])
        else:
            columns.append((place, column))
    for begin in range(0, count, _AT_ONCE):
        part_of = slice(begin, min(begin + _AT_ONCE, count))
        rows = matrix[: part_of.stop - begin]
        for place, column in columns:
            column.write(part_of, rows[:, place])
        letters = rows.ravel()
        yield letters[letters != 0].tobytes()[: -len(between)].decode()
