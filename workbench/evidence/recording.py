"""Evidence that was recorded: moments, what was judged then, and the manifest that says what is in a bundle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from workbench import evidence
from workbench.evidence.columns import Column, Malformed, Place, Reading, Rewrite, column_of
from workbench.evidence.evidence import Evidence, not_collected
from workbench.evidence.gap import Gap

FORMAT = 1
"""Version of the bundle's format: grows when what is written means something else, not when fields are added."""
_HEAD = frozenset({"taken", "monotonic_ns", "redacted"})
SECTIONS = tuple(item.name for item in fields(Evidence) if item.name not in _HEAD)
"""Members of a moment, in their order."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive."""

    name: str
    size: int
    """Bytes, not compressed."""
    sha256: str
    origin: str
    """Where it comes from, one phrase."""


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that is not in the bundle."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class RecordedMoment:
    """One moment of a bundle, without its evidence."""

    title: str
    """``now``, ``before``, ``connections locked``, ..."""
    taken: float
    """Seconds since the epoch."""
    monotonic_ns: int
    sections: Mapping[str, str] = field(hash=False)
    """Name of the member by section; sections that did not change share one. Others were not collected."""


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """What a check said when the bundle was made."""

    moment: int
    """From 0."""
    code: str
    name: str
    severity: str
    subject: str
    """Its kind and title."""
    message: str
    explained_by: str | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same if only the wording has changed since."""
        return self.code, self.severity, self.subject


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself."""

    tool: str
    """Version of the workbench that made it."""
    title: str
    """What was recorded: ``this host``, an operation, image directories."""
    redacted: bool
    redaction: tuple[str, ...]
    """How, one sentence each."""
    versions: Mapping[str, str] = field(hash=False)
    """Of the recorded host: ``kernel``, ``criu``."""
    moments: tuple[RecordedMoment, ...] = ()
    members: tuple[Member, ...] = ()
    left_out: tuple[Omission, ...] = ()


def encode_section(name: str, value: Any, rewrite: Rewrite) -> Any:
    """A section of evidence, or the gap in its place, as JSON can hold it."""
    if isinstance(value, Gap):
        return {"gap": _GAP.encode([value], rewrite)}
    return {"value": _column(name).encode([value], rewrite)}


def decode_section(name: str, found: Any, reading: Reading) -> Any:
    """The section again. Raises Malformed."""
    if isinstance(found, dict) and found.keys() == {"gap"}:
        return _GAP.decode(found["gap"], 1, reading)[0]
    if not isinstance(found, dict) or found.keys() != {"value"}:
        raise Malformed("a section has a value or a gap")
    return _column(name).decode(found["value"], 1, reading)[0]


def collected(evidence: Evidence) -> Iterator[tuple[str, Any]]:
    """Sections that somebody asked for, with their values or gaps; ``log`` is left out where ``logs`` has its lines."""
    for name in SECTIONS:
        value = getattr(evidence, name)
        if isinstance(value, Gap) and value.reason == not_collected(name).reason:
            continue
        if name == "log" and not isinstance(evidence.logs, Gap) and value == _lines(evidence.logs):
            continue
        yield name, value


def assemble(moment: RecordedMoment, sections: Mapping[str, Any], *, redacted: bool) -> Evidence:
    """Evidence of a moment from its sections."""
    sections = dict(sections)
    logs = sections.get("logs")
    if "log" not in sections and isinstance(logs, tuple):
        sections["log"] = _lines(logs)
    head = {"taken": moment.taken, "monotonic_ns": moment.monotonic_ns, "sources": (), "redacted": redacted}
    return Evidence(**{**head, **sections})


def together(first: Evidence, more: Evidence) -> Evidence:
    """Both; of what both have and cannot be put one behind the other, the second counts."""
    sections: dict[str, Any] = {}
    for name in SECTIONS:
        before, after = getattr(first, name), getattr(more, name)
        if isinstance(before, tuple) and isinstance(after, tuple):
            sections[name] = (*before, *after)
        elif not isinstance(after, Gap):
            sections[name] = after
    return replace(first, **sections)


def places() -> frozenset[Place]:
    """Every field of evidence that holds texts or bytes."""
    columns = (_GAP, *map(_column, SECTIONS))
    return frozenset(place for column in columns for place in column.places())


def encode_records(kind: type, values: tuple[Any, ...], rewrite: Rewrite) -> Any:
    """Records of one class as JSON can hold them."""
    return _records(kind).encode([values], rewrite)


def decode_records(kind: type, found: Any, reading: Reading) -> tuple[Any, ...]:
    """The records again. Raises Malformed."""
    values: tuple[Any, ...] = _records(kind).decode(found, 1, reading)[0]
    return values


def _lines(logs: Any) -> Any:
    return tuple(line for digest in logs for line in digest.lines)


def _records(kind: type) -> Column:
    return column_of(tuple[kind, ...], Place("", kind.__name__))  # type: ignore[valid-type]


@cache
def section_types() -> Mapping[str, Any]:
    """The type of each field of Evidence."""
    return get_type_hints(Evidence, localns={each: getattr(evidence, each) for each in evidence.HOMES})


def _column(name: str) -> Column:
    """How the section's value is written; its gap is written otherwise."""
    hint = section_types()[name]
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not Gap)
    return column_of(hint, Place("Evidence", name))


_GAP = column_of(Gap, Place("", "gap"))
