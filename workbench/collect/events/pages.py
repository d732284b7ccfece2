"""Pages of the kernel's trace buffer as ``trace_pipe_raw`` gives them.

Layout: kernel/trace/ring_buffer.c and include/linux/ring_buffer.h; the files ``events/header_page`` and
``events/header_event`` describe it. All in native byte order.
"""

import struct
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PAGE_HEADER = struct.Struct("=QQ")  # time stamp of the first event; bytes in use, with flags
_MISSED_EVENTS, _MISSED_STORED = 1 << 31, 1 << 30
_USED = (1 << 20) - 1
_DELTA_BITS = 27
_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31
_TIME_STAMP_MASK = (1 << 59) - 1


@dataclass(frozen=True, slots=True)
class Page:
    """The events of one page; ``times[n]`` and ``places[n]`` belong together, oldest first."""

    times: tuple[int, ...]
    places: tuple[int, ...]
    """Where each record begins in the page."""
    missed: int
    """Events overwritten before the first of this page; -1 if some were, and the kernel does not say how many."""


def read_page(page: bytes) -> Page:
    """Find the events of a page. One that is damaged ends where it stops making sense."""
    if len(page) < _PAGE_HEADER.size:
        return Page((), (), 0)
    time, commit = _PAGE_HEADER.unpack_from(page)
    end = min(_PAGE_HEADER.size + (commit & _USED), len(page))
    missed = 0
    if commit & _MISSED_EVENTS:
        stored = commit & _MISSED_STORED and end + 8 <= len(page)
        missed = struct.unpack_from("=Q", page, end)[0] if stored else -1
    times: list[int] = []
    places: list[int] = []
    words = memoryview(page)[: len(page) & ~3].cast("I")
    place, last = _PAGE_HEADER.size // 4, end // 4
    while place < last:
        header = words[place]
        kind, delta = header & 31, header >> 5
        place += 1
        if 0 < kind < _PADDING:
            time += delta
            times.append(time)
            places.append(place * 4)
            place += kind
            continue
        if place >= last:
            break
        following = words[place]
        if kind == 0:  # a long record: its length stands first, and counts itself
            time += delta
            times.append(time)
            places.append(place * 4 + 4)
            place += max((following + 3) // 4, 1)
        elif kind == _PADDING:
            if delta == 0:
                break
            time += delta
            place += max((following + 3) // 4, 1)
        elif kind == _TIME_EXTEND:
            time += delta + (following << _DELTA_BITS)
            place += 1
        else:
            time = (time & ~_TIME_STAMP_MASK) | (delta + (following << _DELTA_BITS))
            place += 1
    return Page(tuple(times), tuple(places), missed)


def rows(
    page: bytes, found: Page, records: Mapping[int, "np.dtype[np.void]"]
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.void]]]:
    """Times and records of a page by event number (``common_type``); numbers without a record are left out."""
    of: defaultdict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(found.places):
        of[int.from_bytes(page[place : place + 2], sys.byteorder)].append(index)
    content = np.frombuffer(page, "u1")
    result = {}
    for number, indexes in of.items():
        record = records.get(number)
        if record is None:
            continue
        starts = np.array([found.places[index] for index in indexes])
        fits = starts + record.itemsize <= len(page)
        chosen = content[starts[fits][:, None] + np.arange(record.itemsize)]
        times = np.array([found.times[index] for index in indexes], "i8")[fits]
        result[number] = times, np.ascontiguousarray(chosen).view(record)[:, 0]
    return result
