"""Journals of operations as they may be given: facts that are known, each by its own rule; others are left out."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.bundle.privacy import Kind
from workbench.bundle.redaction import Redaction

_LARGEST = 16 << 20
_NUMBERS = frozenset(
    {"time", "schema", "workbench", "netns", "root", "tasks", "stopped", "criu", "inode", "holders", "reuse", "runs_on",
     "uptime_ticks"}
)  # fmt: skip
_TEXTS: Mapping[str, Kind] = {
    "at": Kind.SENTENCE,
    "kind": Kind.WORD,
    "boot_id": Kind.NAME,
    "images": Kind.PATH,
    "command": Kind.SENTENCE,
    "commands": Kind.COMMAND,
    "run_id": Kind.RUN_ID,
    "connection": Kind.ADDRESS,
    "connections": Kind.ADDRESS,
    "backend": Kind.WORD,
    "scope": Kind.WORD,
    "family": Kind.WORD,
    "table": Kind.WORD,
    "name": Kind.SENTENCE,
    "rules": Kind.RULE,
}
_NESTED = frozenset({"sockets", "locks", "options"})


def journal_lines(path: Path, redaction: Redaction) -> Iterator[Mapping[str, Any]]:
    """Its lines in their order, each with the operation that it is of."""
    operation = redaction.text(Kind.RUN_ID, path.stem)
    for line in _lines(path):
        yield {"operation": operation, **_facts(line, redaction)}


def _facts(found: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    facts = {}
    for name, value in found.items():
        if name in _NUMBERS:
            facts[name] = _each(value, lambda _: None)
        elif name in _TEXTS:
            kind = _TEXTS[name]
            facts[name] = _each(value, lambda text, kind=kind: redaction.text(kind, text))  # type: ignore[misc]
        elif name in _NESTED and isinstance(value, list):
            facts[name] = [_facts(each, redaction) for each in value if isinstance(each, dict)]
        elif name in _NESTED and isinstance(value, dict):
            texts = {redaction.text(Kind.WORD, key): each for key, each in value.items()}
            facts[name] = {
                key: _each(each, lambda text: redaction.text(Kind.WORD, text)) for key, each in texts.items()
            }
    return facts


def _each(value: Any, text: Callable[[str], str | None]) -> Any:
    """The value with every text in it replaced."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_each(each, text) for each in value]
    return value if isinstance(value, int | float | None) else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except OSError:
        return
    for line in content.split(b"\n")[:-1]:
        try:
            found = json.loads(line)
        except ValueError:
            return
        if isinstance(found, dict):
            yield found
