"""Events that were written by ``workbench events --format json`` or ``jsonl``."""

import json
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

LARGEST = 1 << 30
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
    try:
        if Path(path).stat().st_size > LARGEST:
            raise WorkbenchError(f"{path} is larger than 1 GiB", "cut it to the lines that matter")
        data = Path(path).read_bytes()
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}", _HINT) from error
    events: list[Event] = []
    attributions: list[Attribution] = []
    names: dict[int, str] = {}
    wall_ns = 0
    try:
        for row in _rows(data):
            if row["kind"] == "attribution":
                attributions.append(_attribution(row))
            else:
                events.append(_event(row))
                wall_ns = wall_ns or round(datetime.fromisoformat(row["time"]).timestamp() * 1e9) - row["at_ns"]
            if row["netns_name"] is not None:
                names[row["netns"]] = str(row["netns_name"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WorkbenchError(f"{path} holds no recorded events", _HINT) from error
    events.sort(key=lambda event: event.at_ns)
    attributions.sort(key=lambda found: found.settled_ns)
    return RecordedEvents(tuple(events), tuple(attributions), wall_ns, MappingProxyType(names))


def _rows(data: bytes) -> Iterator[dict[str, Any]]:
    if data.startswith(b'{\n "schema"'):
        document = json.loads(data)
        yield from (*document["events"], *document["attributions"])
        return
    for line in data.splitlines():
        yield json.loads(line)


def _event(row: dict[str, Any]) -> Event:
    segment = row["segment"]
    return Event(
        int(row["at_ns"]),
        EventKind(row["kind"]),
        row["netns"],
        _connection(row["local"], row["peer"]),
        row["cookie"],
        row["pid"],
        row["command"] or "",
        row["owner_pid"],
        row["owner_command"] or "",
        row["reason"] or "",
        _state(row["before"]),
        _state(row["state"]),
        row["has_socket"],
        Maker(row["maker"]) if row["maker"] else None,
        row["incoming"],
        Segment(**segment) if segment else None,
        row["usual_ttl"],
        int(row["lost"]),
        MappingProxyType(dict(row["details"])),
    )


def _attribution(row: dict[str, Any]) -> Attribution:
    rule = row["rule"]
    return Attribution(
        int(row["at_ns"]),
        Cause(row["cause"]),
        _connection(row["from"], row["to"]),
        row["netns"],
        Effect(row["effect"]),
        row["reason"] or "",
        str(row["sentence"]),
        int(row["settled_ns"]),
        Rule(row["netns"], Backend(rule["backend"]), rule["family"], rule["table"], rule["chain"], rule["text"], 0,
             rule["handle"]) if rule else None,
        ends=frozenset(row["pids"]),
    )  # fmt: skip


def _connection(local: str | None, peer: str | None) -> Connection | None:
    return Connection(_endpoint(local), _endpoint(peer)) if local and peer else None


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    return Endpoint(address.removeprefix("[").removesuffix("]"), int(port))


def _state(name: str | None) -> TcpState | None:
    return TcpState[name] if name else None
