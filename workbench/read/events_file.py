"""Events that were written by ``workbench events --format json`` or ``jsonl``."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Backend, Connection, Endpoint, Rule, TcpState
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import Event, EventKind, Maker, Segment
from workbench.evidence.reset_trail import Effect

LARGEST = 16 << 20
"""Bytes of a JSON document, and of a line of JSON lines."""
MOST = 250_000
"""Events and attributions of one file."""
LARGEST_FILE = 32 << 20
"""Bytes of a file: an event takes some six times as many in memory as it is written in."""
_HINT = "name a file that `workbench events --format jsonl` or `--format json` has written"


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """A timeline as it was."""

    events: tuple[Event, ...]
    """In their order. Likewise the following."""
    attributions: tuple[Attribution, ...]
    wall_ns: int
    """Added to the clock of the events it gives the time since the epoch."""
    names: Mapping[int, str]
    """What network namespaces were called, by inode."""


def read_events(path: str | Path) -> RecordedEvents:
    """Read a file. Raises WorkbenchError if it cannot be read or is something else."""
    events: list[Event] = []
    attributions: list[Attribution] = []
    names: dict[int, str] = {}
    wall_ns = 0
    try:
        for number, row in enumerate(_rows(path)):
            if number == MOST:
                raise WorkbenchError(f"{path} holds more than {MOST} events", "cut it to the lines that matter")
            if row["kind"] == "attribution":
                attributions.append(_attribution(row))
            else:
                events.append(_event(row))
                wall_ns = wall_ns or round(datetime.fromisoformat(row["time"]).timestamp() * 1e9) - row["at_ns"]
            netns, name = _whole(row["netns"]), row["netns_name"]
            if netns is not None and name is not None:
                names[netns] = _text(name)
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}", _HINT) from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WorkbenchError(f"{path} holds no recorded events", _HINT) from error
    events.sort(key=lambda event: event.at_ns)
    attributions.sort(key=lambda found: found.settled_ns)
    return RecordedEvents(tuple(events), tuple(attributions), wall_ns, MappingProxyType(names))


def _rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Each row as it stands there. Raises OSError, or ValueError for what is too long or no JSON."""
    with Path(path).open("rb") as file:
        if os.fstat(file.fileno()).st_size > LARGEST_FILE:
            raise WorkbenchError(f"{path} is larger than {LARGEST_FILE >> 20} MiB", "cut it to the lines that matter")
        head = file.read(len(_DOCUMENT))
        file.seek(0)
        if head == _DOCUMENT:
            document = json.loads(_short(file.read(LARGEST + 1)))
            yield from (*document["events"], *document["attributions"])
            return
        while line := file.readline(LARGEST + 1):
            yield json.loads(_short(line))


_DOCUMENT = b'{\n "schema"'


def _short(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise ValueError("too long")
    return data


def _whole(value: Any) -> int | None:
    """A number or nothing. Raises TypeError. Likewise the following."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError("no whole number")


def _number(value: Any) -> int:
    found = _whole(value)
    if found is None:
        raise TypeError("no whole number")
    return found


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError("no text")


def _yes_or_no(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError("neither true nor false")


def _event(row: dict[str, Any]) -> Event:
    segment = row["segment"]
    details = {
        _text(name): value if isinstance(value, str) else _whole(value) or 0 for name, value in row["details"].items()
    }
    return Event(
        int(row["at_ns"]),
        EventKind(row["kind"]),
        _whole(row["netns"]),
        _connection(row["local"], row["peer"]),
        _whole(row["cookie"]),
        _whole(row["pid"]),
        _text(row["command"]),
        _whole(row["owner_pid"]),
        _text(row["owner_command"]),
        _text(row["reason"]),
        _state(row["before"]),
        _state(row["state"]),
        _yes_or_no(row["has_socket"]),
        Maker(row["maker"]) if row["maker"] else None,
        _yes_or_no(row["incoming"]),
        _segment(segment) if segment else None,
        _whole(row["usual_ttl"]),
        int(row["lost"]),
        _whole(row.get("since_ns")),
        MappingProxyType(details),
    )


def _segment(fields: dict[str, Any]) -> Segment:
    seq, ack, flags, window, ttl, length = (
        _number(fields[name]) for name in ("seq", "ack", "flags", "window", "ttl", "length")
    )
    return Segment(seq, ack, flags, window, ttl, length, _whole(fields["identification"]))


def _attribution(row: dict[str, Any]) -> Attribution:
    return Attribution(
        int(row["at_ns"]),
        Cause(row["cause"]),
        _connection(row["from"], row["to"]),
        _whole(row["netns"]),
        Effect(row["effect"]),
        _text(row["reason"]),
        _text(row["sentence"]),
        int(row["settled_ns"]),
        _rule(row["netns"], row["rule"]) if row["rule"] else None,
        ends=frozenset(pid for each in row["pids"] if (pid := _whole(each)) is not None),
    )


def _rule(netns: Any, rule: dict[str, Any]) -> Rule:
    family, table, chain, text = (_text(rule[name]) for name in ("family", "table", "chain", "text"))
    backend = Backend(rule["backend"])
    return Rule(_whole(netns) or 0, backend, family, table, chain, text, 0, _whole(rule["handle"]))


def _connection(local: str | None, peer: str | None) -> Connection | None:
    return Connection(_endpoint(local), _endpoint(peer)) if local and peer else None


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    return Endpoint(address.removeprefix("[").removesuffix("]"), int(port))


def _state(name: str | None) -> TcpState | None:
    return TcpState[name] if name else None
