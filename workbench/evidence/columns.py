"""Records as columns of JSON: what frozen dataclasses are made of decides how they are written and what is accepted.

A list of records becomes one list a field, so that tens of thousands of sockets are written and read at the speed of
lists. Nothing is accepted that the types do not allow: not a text for a number, not a list of another length.
"""

import gc
import types
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum, IntEnum
from functools import cache
from itertools import chain, islice
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
LARGEST = 1 << 64
"""Numbers are less, and more than its negative."""
_SCALARS: Mapping[type, frozenset[type]] = {
    int: frozenset({int}),
    bool: frozenset({bool}),
    str: frozenset({str}),
    float: frozenset({float, int}),
}
_SPARSE = 0.8
"""From this share of equal values on, only the others are listed one by one."""


class Malformed(Exception):
    """The text is JSON, but not what the records are made of; says where."""


class Place(NamedTuple):
    """Where a value stands: a field of a record, and whether it is the key of a mapping there."""

    record: str
    field: str
    key: bool = False


Rewrite = Callable[[Place, Sequence[Any]], Sequence[Any]]
"""Gives other texts (or bytes) for those that stand in one place, one for each."""


def as_they_are(_: Place, values: Sequence[Any]) -> Sequence[Any]:
    return values


@dataclass
class Reading:
    """What one reading has used up and has met."""

    cells: int
    """How many more values may be made: a short text can ask for very many."""
    unknown: set[str] = field(default_factory=set)
    """Fields that these records do not have: a newer workbench wrote them."""

    def take(self, count: int) -> None:
        self.cells -= count
        if self.cells < 0:
            raise Malformed("it holds more than can be shown")


@contextmanager
def without_collection() -> Iterator[None]:
    """Records refer to nothing that refers to them: to look for cycles among many takes longer than to make them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def records(kind: type[Record], count: int, columns: Mapping[str, Sequence[Any]]) -> list[Record]:
    """So many records of a frozen dataclass with slots from their fields, each of which must be given."""
    made = [object.__new__(kind) for _ in range(count)]
    for each in fields(kind):  # type: ignore[arg-type] # a dataclass
        _fill(kind, each.name, made, columns[each.name])
    return made


def _fill(kind: type, name: str, made: Sequence[object], values: Sequence[Any]) -> None:
    # The slot itself: a frozen record's constructor takes eight times as long, and these are many.
    deque(map(getattr(kind, name).__set__, made, values), maxlen=0)


class Column(ABC):
    """Values of one type, one below the other."""

    @abstractmethod
    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        """As JSON can hold them."""

    @abstractmethod
    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        """``count`` values. Raises Malformed."""

    def places(self) -> Iterator[Place]:
        """Where texts and bytes stand in it."""
        yield from ()


@cache
def column_of(kind: Any, place: Place) -> Column:
    """How values of this type are written; ``place`` is told to whoever rewrites texts."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        inner = tuple(each for each in arguments if each is not types.NoneType)
        if all(each in _SCALARS for each in inner):
            return _Scalars(inner, place, absent=types.NoneType in arguments)
        assert len(inner) == 1, kind
        return _Maybe(column_of(inner[0], place))
    if kind in _SCALARS:
        return _Scalars((kind,), place)
    if kind is bytes:
        return _Bytes(place)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _Enums(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _Records(kind)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return _Fixed(tuple(column_of(each, place) for each in arguments))
    if origin in {tuple, Sequence}:
        return _Several(column_of(arguments[0], place), tuple)
    if origin in {frozenset, AbstractSet}:
        return _Several(column_of(arguments[0], place), frozenset)
    if origin in {dict, Mapping}:
        key, value = arguments
        return _Pairs(column_of(key, place._replace(key=True)), column_of(value, place))
    raise TypeError(f"{kind} in {place} cannot be written")


def _listed(found: Any, count: int) -> list[Any]:
    if not isinstance(found, list) or len(found) != count:
        raise Malformed(f"a list of {count} is expected")
    return found


def _named(found: Any, *names: str) -> list[Any]:
    if not isinstance(found, dict) or found.keys() != set(names):
        raise Malformed(f"an object with {', '.join(names)} is expected")
    return [found[name] for name in names]


class _Scalars(Column):
    """Numbers, texts and None; where nearly all are equal, only the others are listed."""

    def __init__(self, kinds: Iterable[type], place: Place, *, absent: bool = False) -> None:
        kinds = tuple(kinds)
        self._types = frozenset(chain.from_iterable(_SCALARS[kind] for kind in kinds))
        if absent:
            self._types |= {types.NoneType}
        self._place = place if str in kinds else None

    def places(self) -> Iterator[Place]:
        if self._place is not None:
            yield self._place

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        if self._place is not None:
            values = rewrite(self._place, values)
        if len(values) < 4:
            return list(values)
        common, times = Counter(values).most_common(1)[0]
        if times == len(values):
            return {"each": common}
        if times < len(values) * _SPARSE:
            return list(values)
        at = [index for index, value in enumerate(values) if value != common]
        return {"mostly": common, "at": at, "are": [values[index] for index in at]}

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        if count > reading.cells:
            raise Malformed("it holds more than can be shown")
        if isinstance(found, list):
            return self._checked(_listed(found, count))
        if isinstance(found, dict) and found.keys() == {"each"}:
            return self._checked([found["each"]]) * count
        common, at, are = _named(found, "mostly", "at", "are")
        if not isinstance(at, list) or not set(map(type, at)) <= {int}:
            raise Malformed("places are numbers")
        if at and (min(at) < 0 or max(at) >= count):
            raise Malformed("a place is outside of the list")
        values = self._checked([common]) * count
        for index, value in zip(at, self._checked(_listed(are, len(at))), strict=True):
            values[index] = value
        return values

    def _checked(self, values: list[Any]) -> list[Any]:
        kinds = set(map(type, values))
        if not kinds <= self._types:
            wrong = ", ".join(sorted(kind.__name__ for kind in kinds - self._types))
            raise Malformed(f"{wrong} is no value here")
        if int in kinds and any(
            not -LARGEST < value < LARGEST for value in ((min(values), max(values)) if kinds <= {int, bool} else values)
            if type(value) is int
        ):  # fmt: skip
            raise Malformed("a number is too large")
        return values


class _Bytes(Column):
    """Raw bytes as base64."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def places(self) -> Iterator[Place]:
        yield self._place

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        return [b64encode(value).decode() for value in rewrite(self._place, values)]

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        try:
            return [b64decode(text, validate=True) for text in _listed(found, count)]
        except (ValueError, TypeError) as error:
            raise Malformed("bytes are written as base64") from error


class _Enums(Column):
    """Members of an enumeration: by name where the value is a number, else by value."""

    def __init__(self, kind: type[Enum]) -> None:
        by_name = issubclass(kind, IntEnum)
        self._texts = {member: member.name if by_name else member.value for member in kind}
        self._members = {text: member for member, text in self._texts.items()}
        self._column = _Scalars((str,), Place("", ""))

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        return self._column.encode([self._texts[value] for value in values], as_they_are)

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        try:
            return [self._members[text] for text in self._column.decode(found, count, reading)]
        except KeyError as error:
            raise Malformed(f"{str(error)[:40]} is none of {', '.join(self._members)}") from error


class _Maybe(Column):
    """Values that may be absent: where there are some, and those."""

    def __init__(self, inner: Column) -> None:
        self._there = _Scalars((bool,), Place("", ""))
        self._inner = inner

    def places(self) -> Iterator[Place]:
        yield from self._inner.places()

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        there = [value is not None for value in values]
        return {
            "there": self._there.encode(there, as_they_are),
            "values": self._inner.encode([value for value in values if value is not None], rewrite),
        }

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        marks, values = _named(found, "there", "values")
        there = self._there.decode(marks, count, reading)
        made = self._inner.decode(values, sum(there), reading)
        if len(made) == len(there):
            return made
        present = iter(made)
        return [next(present) if mark else None for mark in there]


class _Records(Column):
    """Records of one class: a column for each field."""

    def __init__(self, kind: type) -> None:
        hints = get_type_hints(kind)
        self._kind = kind
        self._fields = {
            each.name: (each, column_of(hints[each.name], Place(kind.__name__, each.name))) for each in fields(kind)
        }

    def places(self) -> Iterator[Place]:
        for _, column in self._fields.values():
            yield from column.places()

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        return {
            name: column.encode(list(map(attrgetter(name), values)), rewrite)
            for name, (_, column) in self._fields.items()
        }

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        if not isinstance(found, dict):
            raise Malformed(f"an object with the fields of {self._kind.__name__} is expected")
        reading.unknown.update(f"{self._kind.__name__}.{name}" for name in found.keys() - self._fields.keys())
        reading.take(count * (len(self._fields) + 2))
        made: list[object] = [object.__new__(self._kind) for _ in range(count)]
        for name, (about, column) in self._fields.items():
            try:
                values = column.decode(found[name], count, reading) if name in found else _default(about, count)
            except Malformed as error:
                raise Malformed(f"{self._kind.__name__}.{name}: {error}") from error
            _fill(self._kind, name, made, values)
        return made


def _default(about: Any, count: int) -> list[Any]:
    """Of a field that is not there: the records were written before it was known."""
    if not count:
        return []
    if about.default is not MISSING:
        return [about.default] * count
    if about.default_factory is not MISSING:
        return [about.default_factory()] * count
    raise Malformed("it is missing")


class _Several(Column):
    """Tuples or sets of any length: their lengths, and all items one after the other."""

    def __init__(self, item: Column, make: Callable[[Iterable[Any]], Any]) -> None:
        self._lengths = _Scalars((int,), Place("", ""))
        self._item = item
        self._make = make

    def places(self) -> Iterator[Place]:
        yield from self._item.places()

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        items = [sorted(value) if isinstance(value, frozenset) else value for value in values]
        return {
            "lengths": self._lengths.encode([len(value) for value in items], as_they_are),
            "items": self._item.encode(list(chain.from_iterable(items)), rewrite),
        }

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        texts, items = _named(found, "lengths", "items")
        lengths = self._lengths.decode(texts, count, reading)
        total = _total(lengths, reading)
        reading.take(count + total)
        if count == 1 and self._make is tuple:
            return [tuple(self._item.decode(items, total, reading))]
        rest = iter(self._item.decode(items, total, reading))
        return [self._make(islice(rest, length)) for length in lengths]


class _Fixed(Column):
    """Tuples of a fixed length: a column for each item."""

    def __init__(self, items: Sequence[Column]) -> None:
        self._items = items

    def places(self) -> Iterator[Place]:
        for column in self._items:
            yield from column.places()

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        return [column.encode([value[place] for value in values], rewrite) for place, column in enumerate(self._items)]

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        columns = zip(self._items, _listed(found, len(self._items)), strict=True)
        return list(zip(*(column.decode(each, count, reading) for column, each in columns), strict=True))


class _Pairs(Column):
    """Mappings: their lengths, all keys and all values."""

    def __init__(self, key: Column, value: Column) -> None:
        self._keys = _Several(key, tuple)
        self._value = value

    def places(self) -> Iterator[Place]:
        yield from self._keys.places()
        yield from self._value.places()

    def encode(self, values: Sequence[Any], rewrite: Rewrite) -> Any:
        keys = self._keys.encode([tuple(value) for value in values], rewrite)
        return {"keys": keys, "values": self._value.encode([each for v in values for each in v.values()], rewrite)}

    def decode(self, found: Any, count: int, reading: Reading) -> Sequence[Any]:
        keys, values = _named(found, "keys", "values")
        groups = self._keys.decode(keys, count, reading)
        rest = iter(self._value.decode(values, sum(map(len, groups)), reading))
        return [dict(zip(group, islice(rest, len(group)), strict=True)) for group in groups]


def _total(lengths: Sequence[int], reading: Reading) -> int:
    if lengths and min(lengths) < 0:
        raise Malformed("a length is negative")
    total = sum(lengths)
    if total > reading.cells:
        raise Malformed("it holds more than can be shown")
    return total
