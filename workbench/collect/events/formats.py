"""How the kernel lays an event out, from the ``format`` file that it gives for each: fields and names of numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_FIELD = re.compile(
    r"field:(?P<type>.+?) ?(?P<name>\w+)(?:\[(?P<count>\d*)\])?;\s*offset:(?P<offset>\d+);\s*size:(?P<size>\d+);"
    r"\s*signed:(?P<signed>[01]);"
)
_SYMBOLS = re.compile(r"REC->(\w+)\s*,\s*((?:\{[^{}]*\}\s*,?\s*)+)")
_SYMBOL = re.compile(r"\{\s*(0x[0-9a-f]+|\d+)\s*,\s*\"(\w+)\"\s*\}")


@dataclass(frozen=True, slots=True)
class Format:
    """One event's record."""

    number: int
    """``common_type`` of its records."""
    record: "np.dtype[np.void]"
    """Its fields, native byte order; arrays and addresses as bytes."""
    names: Mapping[str, Mapping[int, str]]
    """Of fields whose numbers have names: by number."""

    def has(self, field: str) -> bool:
        return field in (self.record.names or ())


def parse_format(text: str) -> Format:
    """Read a format file. Raises ValueError if it is none."""
    number = re.search(r"^ID: (\d+)$", text, re.MULTILINE)
    if number is None:
        raise ValueError("no event format")
    names, kinds, offsets, end = [], [], [], 0
    for match in _FIELD.finditer(text):
        offset, size = int(match["offset"]), int(match["size"])
        names.append(match["name"])
        offsets.append(offset)
        kinds.append(_kind(size, signed=match["signed"] == "1", array=match["count"] is not None))
        end = max(end, offset + size)
    record = np.dtype({"names": names, "formats": kinds, "offsets": offsets, "itemsize": end})
    tables = {
        field: {int(value, 0): name for value, name in _SYMBOL.findall(table)}
        for field, table in _SYMBOLS.findall(text.partition("print fmt:")[2])
    }
    return Format(int(number[1]), record, {field: table for field, table in tables.items() if table})


def _kind(size: int, *, signed: bool, array: bool) -> str:
    if array or size not in {1, 2, 4, 8}:
        return f"V{size}"
    return f"{'i' if signed else 'u'}{size}"
