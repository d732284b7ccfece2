"""The manifest of a bundle as JSON: the one member that is written for people as well."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from workbench.evidence.columns import Malformed
from workbench.evidence.recording import FORMAT, Manifest, Member, Omission, RecordedMoment
from workbench.read.bundle_archive import NAME

Item = TypeVar("Item")
_LONGEST = 4096
"""Characters of a text."""
_MOST = 10_000
"""Items of a list."""


def manifest_row(manifest: Manifest) -> dict[str, Any]:
    """As JSON can hold it."""
    return {"format": FORMAT, **asdict(manifest)}


def manifest_from(found: Any) -> Manifest:
    """Raises Malformed for anything that ``manifest_row`` does not write."""
    return Manifest(
        tool=_text(found, "tool"),
        title=_text(found, "title"),
        redacted=_value(found, "redacted", bool),
        redaction=_several(found, "redaction", _as_text),
        versions=_texts(found, "versions"),
        moments=_moments(found),
        members=_several(found, "members", _member),
        left_out=_several(found, "left_out", lambda each: Omission(_text(each, "what"), _text(each, "why"))),
    )


def _moments(found: Any) -> tuple[RecordedMoment, ...]:
    moments = _several(found, "moments", _moment)
    if not moments:
        raise Malformed("there is no moment in it")
    return moments


def _moment(found: Any) -> RecordedMoment:
    taken = _value(found, "taken", float, int)
    if not 0 <= taken < 1 << 33:  # in the year 2242
        raise Malformed("a moment has an impossible time")
    monotonic = _value(found, "monotonic_ns", int)
    if not 0 <= monotonic < 1 << 63:
        raise Malformed("a moment has an impossible time")
    sections = _texts(found, "sections")
    if not all(map(NAME.fullmatch, sections.values())):
        raise Malformed("a section has a name that no member has")
    return RecordedMoment(_text(found, "title"), float(taken), monotonic, sections)


def _member(found: Any) -> Member:
    return Member(_text(found, "name"), _value(found, "size", int), _text(found, "sha256"), _text(found, "origin"))


def _value(found: Any, name: str, *kinds: type) -> Any:
    if not isinstance(found, dict) or type(found.get(name)) not in kinds:
        raise Malformed(f"the manifest lacks {name}")
    return found[name]


def _text(found: Any, name: str) -> str:
    return _as_text(_value(found, name, str))


def _as_text(found: Any) -> str:
    if not isinstance(found, str) or len(found) > _LONGEST:
        raise Malformed("the manifest has no text where one belongs")
    return found


def _texts(found: Any, name: str) -> dict[str, str]:
    values = _value(found, name, dict)
    if len(values) > _MOST:
        raise Malformed(f"the manifest names too many {name}")
    return {_as_text(key): _as_text(value) for key, value in values.items()}


def _several(found: Any, name: str, make: Callable[[Any], Item]) -> tuple[Item, ...]:
    values = _value(found, name, list)
    if len(values) > _MOST:
        raise Malformed(f"the manifest names too many {name}")
    return tuple(make(each) for each in values)
