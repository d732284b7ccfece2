"""As much of JSON Schema as docs/formats uses; an unknown keyword is an error, so that nothing goes unchecked."""

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None),
}  # fmt: skip
_SILENT = {"$schema", "$defs", "title", "description"}


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str = "$") -> Iterator[str]:
    """Where and how ``value`` does not keep to ``schema``."""
    for keyword, wanted in schema.items():
        match keyword:
            case _ if keyword in _SILENT:
                pass
            case "$ref":
                yield from violations(value, root["$defs"][wanted.rpartition("/")[2]], root, where)
            case "const":
                yield from () if value == wanted else (f"{where} is not {wanted!r}",)
            case "enum":
                yield from () if value in wanted else (f"{where} is not one of {wanted}",)
            case "type":
                if not any(_is(value, name) for name in ([wanted] if isinstance(wanted, str) else wanted)):
                    yield f"{where} is {type(value).__name__}, not {wanted}"
            case "required":
                yield from (f"{where} lacks {name}" for name in wanted if name not in value)
            case "properties":
                for name in wanted.keys() & value.keys():
                    yield from violations(value[name], wanted[name], root, f"{where}.{name}")
            case "items":
                for number, item in enumerate(value or ()):
                    yield from violations(item, wanted, root, f"{where}[{number}]")
            case "pattern":
                yield from () if re.search(wanted, value) else (f"{where} does not match {wanted}",)
            case "minimum":
                yield from () if value is None or value >= wanted else (f"{where} is less than {wanted}",)
            case _:
                yield f"the schema says {keyword}, which is not known here"


def _is(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
