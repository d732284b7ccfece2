"""Evidence with a chosen text in every field that holds one: made of the types, so that new fields are in it too."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from workbench.evidence import Evidence, Gap
from workbench.evidence.recording import section_types


def planted(text: str) -> Evidence:
    """Every section is there, with one item each, and each text in it is ``text``."""
    hints = section_types()
    values = {item.name: _made(hints[item.name], text) for item in fields(Evidence)}
    return Evidence(**values | {"taken": 1.0, "monotonic_ns": 1, "redacted": False})


def _made(kind: Any, text: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        some = [each for each in arguments if each not in {types.NoneType, Gap}]
        return _made(str if str in some else some[0], text)
    plain = {int: 7, bool: True, float: 1.5, str: text, bytes: text.encode(errors="surrogateescape")}
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{item.name: _made(hints[item.name], text) for item in fields(kind)})  # type: ignore[operator]
    if origin is tuple and arguments[-1] is not Ellipsis:
        return tuple(_made(each, text) for each in arguments)
    if origin in {tuple, Sequence}:
        return (_made(arguments[0], text),)
    if origin is frozenset:
        return frozenset({_made(arguments[0], text)})
    assert origin in {dict, Mapping}, kind
    return {_made(arguments[0], text): _made(arguments[1], text)}
