"""What an operation was about to do, on the disk before it did it: one file of JSON lines for each operation."""

import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.collect import procfs
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, UnfinishedOperation
from workbench.operation.machine import LEFT
from workbench.operation.record import connection_from
from workbench.operation.task import is_alive, start_time_of

SCHEMA = 1
KEPT_S = 90 * 86_400
"""Seconds for which the journal of an operation that ended is kept."""
_NAME = re.compile(r"(?:dump|restore|unlock|receive|handoff|keeper)-\d+-[0-9a-f]+\.jsonl")
ENDED = "ended: "
RECOVERED = "recovered"
"""Transitions after which nothing is left to do begin with one of these."""


def state_directory() -> Path:
    """``$WORKBENCH_STATE``, else /var/lib/workbench for root, else under XDG_STATE_HOME."""
    if chosen := os.environ.get("WORKBENCH_STATE"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/workbench")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "workbench"


class Journal:
    """The journal of one operation while it runs."""

    def __init__(self, kind: str, facts: Mapping[str, Any], directory: Path | None = None) -> None:
        """Begin; ``facts`` is all that ``recover`` will need to know. Raises WorkbenchError if it cannot be kept."""
        directory = directory or state_directory()
        self.id = f"{kind}-{int(time.time())}-{secrets.token_hex(4)}"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = directory / f"{self.id}.jsonl"
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self.write("begun", schema=SCHEMA, kind=kind, **facts)
            _forget_old(directory)
            _sync_directory(directory)
        except OSError as error:
            raise _unwritable(directory, error) from error

    def write(self, transition: str, **facts: Any) -> None:
        """Append one transition; it is on the disk when this returns. Raises WorkbenchError."""
        append(self._file, transition, facts)

    def write_in_a_hurry(self, transition: str, **facts: Any) -> None:
        """Append one transition that outlives us, but not the host: for what is gone with the host anyway."""
        append(self._file, transition, facts, durable=False)

    def close(self) -> None:
        """Done with it; again it does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def append(descriptor: int, transition: str, facts: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write one line and, if it is to be ``durable``, have it on the disk."""
    line = json.dumps({"at": transition, "time": round(time.time(), 3), **facts}) + "\n"
    try:
        os.write(descriptor, line.encode())
        if durable:
            os.fsync(descriptor)
    except OSError as error:
        raise _unwritable(state_directory(), error) from error


def _unwritable(directory: Path, error: OSError) -> WorkbenchError:
    return WorkbenchError(
        f"The journal in {directory} cannot be written: {error.strerror}",
        "nothing is done without it; make room, or name another directory in WORKBENCH_STATE",
    )


def _forget_old(directory: Path) -> None:
    """Journals of operations that ended long ago tell nobody anything."""
    for entry in entries(directory):
        if entry.ended and time.time() - float(entry.begun["time"]) > KEPT_S:
            entry.path.unlink(missing_ok=True)
            entry.path.with_suffix(".moments").unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal as it was found."""

    path: Path
    begun: Mapping[str, Any]
    """The facts of the first line."""
    transitions: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Facts of all later lines; the last one wins."""

    @property
    def id(self) -> str:
        return self.path.stem

    @property
    def kind(self) -> str:
        return str(self.begun["kind"])

    @property
    def ended(self) -> bool:
        return self.transitions[-1].startswith((ENDED, RECOVERED))

    @property
    def workbench_alive(self) -> bool:
        """The process that began it still runs and works on it."""
        pid, start_time = self.begun["workbench"]
        return self.transitions[-1] != LEFT and is_alive(pid, start_time)

    @property
    def criu(self) -> tuple[int, int] | None:
        """Pid and start time of the CRIU that it started."""
        known = self.facts.get("criu")
        return (known[0], known[1]) if known else None

    @property
    def criu_alive(self) -> bool:
        return self.criu is not None and is_alive(*self.criu)

    @property
    def connections(self) -> tuple[Connection, ...]:
        return tuple(connection_from(each) for each in self.begun["connections"])

    def summary(self) -> UnfinishedOperation:
        return UnfinishedOperation(
            id=self.id,
            kind=self.kind,
            started=self.begun["time"],
            last=self.transitions[-1],
            pid=self.begun["root"][0],
            command=self.begun["command"],
            netns=self.begun["netns"],
            images=self.begun["images"],
            connections=self.connections,
            workbench_alive=self.workbench_alive,
            criu_alive=self.criu_alive,
        )

    def note(self, transition: str, **facts: Any) -> None:
        """Append one transition to a journal that is no longer open."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            append(descriptor, transition, facts)
        finally:
            os.close(descriptor)


def read_entry(path: Path) -> Entry | None:
    """One journal; None if not even its first line is whole (then nothing was done yet).

    A line cut short by a crash is not there: what it announced was not done.
    """
    lines = list(_whole_lines(path))
    if not lines or lines[0].get("at") != "begun" or lines[0].get("schema") != SCHEMA:
        return None
    later: dict[str, Any] = {}
    for line in lines[1:]:
        later.update(line)
    return Entry(path, lines[0], tuple(str(line.get("at", "")) for line in lines), later)


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    for line in content.split(b"\n")[:-1]:
        try:
            parsed = json.loads(line)
        except ValueError:
            return
        if not isinstance(parsed, dict):
            return
        yield parsed


def entries(directory: Path | None = None) -> tuple[Entry, ...]:
    """Every readable journal, oldest first."""
    directory = directory or state_directory()
    try:
        paths = sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return ()
    found = [entry for path in paths if (entry := read_entry(path)) is not None]
    return tuple(sorted(found, key=lambda entry: float(entry.begun["time"])))


def unfinished(directory: Path | None = None) -> tuple[UnfinishedOperation, ...]:
    """Operations that were begun and not ended, those that still run included."""
    return tuple(entry.summary() for entry in entries(directory) if not entry.ended)


def boot_id() -> str:
    """Identity of this boot of the kernel (random(4))."""
    return (procfs.read("/proc/sys/kernel/random/boot_id") or b"").decode().strip()


def own_identity() -> tuple[int, int]:
    """Pid and start time of this process."""
    return os.getpid(), start_time_of(os.getpid()) or 0
