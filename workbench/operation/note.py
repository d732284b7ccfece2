"""``workbench.json`` beside the images: what a later restore and its proof need and CRIU does not write down."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.evidence import Connection
from workbench.operation.container import RuncContainer, container_from, container_record
from workbench.operation.record import connection_from, connection_record
from workbench.repair.record import SocketOptions

NAME = "workbench.json"
SCHEMA = 1
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Note:
    """What the workbench knew when it dumped."""

    boot_id: str
    netns: int
    """Inode of the network namespace."""
    netns_path: str
    """A path that enters it and outlives the processes; empty for the workbench's own."""
    root: tuple[int, int]
    """Pid and start time."""
    command: str
    connections: tuple[Connection, ...]
    options: Mapping[str, object]
    """Fields of ``criu_opts`` of the dump."""
    terminal: bool = False
    """A process had a terminal open: it cannot be restored without one."""
    socket_options: Mapping[Connection, SocketOptions] = field(default_factory=dict)
    """From before the dump: what images do not carry."""
    container: RuncContainer | None = None
    """Its engine dumped it, and must restore it."""

    def write(self, directory: int) -> None:
        """Write it into an open directory, with fsync. Raises OSError."""
        record = {
            "schema": SCHEMA,
            "boot_id": self.boot_id,
            "netns": self.netns,
            "netns_path": self.netns_path,
            "root": self.root,
            "command": self.command,
            "connections": [connection_record(each) for each in self.connections],
            "options": dict(self.options),
            "terminal": self.terminal,
            "container": container_record(self.container),
            "socket_options": [
                [connection_record(each), dict(options)] for each, options in self.socket_options.items()
            ],
        }
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(NAME, flags, 0o600, dir_fd=directory)
        with os.fdopen(descriptor, "w") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(descriptor)


def read_note(images: str | Path) -> Note | None:
    """The note of an image directory; None if there is none, or if it is not one that this version wrote."""
    path = Path(images, NAME)
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return _note(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _note(record: Any) -> Note | None:
    if record["schema"] != SCHEMA:
        return None
    pid, start_time = record["root"]
    return Note(
        boot_id=str(record["boot_id"]),
        netns=int(record["netns"]),
        netns_path=str(record["netns_path"]),
        root=(int(pid), int(start_time)),
        command=str(record["command"]),
        connections=tuple(connection_from(each) for each in record["connections"]),
        options=dict(record["options"]),
        terminal=bool(record["terminal"]),
        container=container_from(record.get("container")),
        socket_options={connection_from(each): dict(options) for each, options in record["socket_options"]},
    )
