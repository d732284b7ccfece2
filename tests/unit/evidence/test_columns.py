"""Records as columns of JSON: what is written is read again, and nothing else is taken for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from tests.unit.bundle.planted import planted
from workbench.evidence import Evidence, Gap
from workbench.evidence.columns import Malformed, Place, Reading, as_they_are, column_of
from workbench.evidence.recording import SECTIONS, collected, decode_section, encode_section, places


class Number(IntEnum):
    ONE = 1
    TWO = 2


class Word(StrEnum):
    A = "a"
    B = "b"


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Outer:
    number: Number
    word: Word
    ratio: float
    sure: bool | None
    inner: Inner | None
    many: tuple[Inner, ...]
    fixed: tuple[int, str]
    raw: bytes
    mixed: Mapping[str, int | str] = field(default_factory=dict, hash=False)
    chosen: frozenset[str] = frozenset()


def outer(number: int) -> Outer:
    return Outer(
        Number.ONE if number % 3 else Number.TWO,
        Word.A if number != 7 else Word.B,
        number / 2,
        None if number % 2 else True,
        Inner(f"x{number}", number) if number % 5 else None,
        tuple(Inner(str(place)) for place in range(number % 4)),
        (number, "y"),
        bytes([number % 256]),
        {"a": number, "b": "text"} if number % 2 else {},
        frozenset({"p", "q"} if number == 4 else ()),
    )


OUTERS = column_of(tuple[Outer, ...], Place("", "test"))


def decoded(found: Any, cells: int = 100_000) -> Any:
    return OUTERS.decode(json.loads(json.dumps(found)), 1, Reading(cells))[0]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 40])
def test_what_was_written_is_read(count: int) -> None:
    records = tuple(map(outer, range(count)))
    assert decoded(OUTERS.encode([records], as_they_are)) == records


def test_what_is_equal_is_written_once() -> None:
    names = column_of(str, Place("", "test"))
    assert names.encode(["a"] * 100, as_they_are) == {"each": "a"}
    assert names.encode(["a"] * 99 + ["b"], as_they_are) == {"mostly": "a", "at": [99], "are": ["b"]}
    assert names.encode(list("abcd"), as_they_are) == ["a", "b", "c", "d"]


def test_texts_are_rewritten_where_they_stand() -> None:
    seen: set[Place] = set()

    def rewrite(place: Place, values: Any) -> Any:
        seen.add(place)
        return [value.upper() if isinstance(value, str) else value for value in values]

    (found,) = decoded(OUTERS.encode([(outer(1),)], rewrite))
    assert found.inner == Inner("X1", 1)
    assert found.mixed == {"A": 1, "B": "TEXT"}
    assert {Place("Inner", "name"), Place("Outer", "mixed", key=True), Place("Outer", "raw")} <= seen
    assert set(OUTERS.places()) == seen


def test_a_field_that_is_not_there_has_its_default_and_an_unknown_one_is_told() -> None:
    written = OUTERS.encode([(outer(1),)], as_they_are)
    del written["items"]["mixed"]
    written["items"]["colour"] = ["red"]
    reading = Reading(1000)
    assert OUTERS.decode(written, 1, reading)[0][0].mixed == {}
    assert reading.unknown == {"Outer.colour"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("lengths",), [2]),
        (("lengths",), [True]),
        (("lengths",), ["1"]),
        (("items",), []),
        (("items", "number"), ["THREE"]),
        (("items", "number"), [1]),
        (("items", "ratio"), ["1"]),
        (("items", "sure"), [1]),
        (("items", "raw"), ["%%"]),
        (("items", "raw"), [1]),
        (("items", "fixed"), [[1]]),
        (("items", "inner"), {"there": [True]}),
        (("items", "many", "lengths"), [-1]),
        (("items", "many", "lengths"), [1 << 70]),
        (("items", "mixed"), {"keys": {"lengths": [1], "items": ["a"]}, "values": []}),
        (("items", "inner", "values", "size"), [1.5]),
        (("items", "inner", "values", "size"), [1 << 64]),
        (("items", "inner", "values", "name"), {"mostly": "a", "at": [1], "are": ["b"]}),
        (("items", "inner", "values", "name"), {"mostly": "a", "at": [0.5], "are": ["b"]}),
    ],
)
def test_nothing_else_is_taken_for_it(path: tuple[str, ...], value: Any) -> None:
    written = json.loads(json.dumps(OUTERS.encode([(outer(1),)], as_they_are)))
    place = written
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(Malformed):
        decoded(written)


def test_there_is_an_end_to_what_is_made() -> None:
    written = OUTERS.encode([tuple(map(outer, range(40)))], as_they_are)
    with pytest.raises(Malformed):
        decoded(written, cells=100)


def test_every_section_of_evidence_comes_back() -> None:
    evidence = planted("text")
    for name in SECTIONS:
        value = getattr(evidence, name)
        written = json.loads(json.dumps(encode_section(name, value, as_they_are)))
        assert decode_section(name, written, Reading(10_000)) == value
    assert {name for name, _ in collected(evidence)} | {"log"} == set(SECTIONS)
    assert len(places()) > 80


def test_a_gap_comes_back_as_a_gap() -> None:
    gap = Gap("sockets", "no privilege", "run as root", 7)
    assert decode_section("sockets", encode_section("sockets", gap, as_they_are), Reading(100)) == gap
    assert dict(collected(Evidence(0.0, 0, (), sockets=gap)))["sockets"] == gap
