"""Generations: checkpoints of one process, one after the other, in memory first and on the disk soon after."""

import json
import os
import re
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.operation.in_memory import place_for
from workbench.operation.journal import boot_id, state_directory
from workbench.operation.rollback.generation import Generation

MANIFEST = "generation.json"
LINEAGE = "lineage.json"
SCHEMA = 1
KEPT = 3
"""Generations of one process that are kept unless another number is said."""
AT_MOST_BYTES = 1 << 30
"""Of memory that the generations of one process may take."""
_NAME = re.compile(r"\d{1,9}")
_PIECE = 1 << 20


class Generations:
    """All generations of one process, which keeps them through its roll-backs."""

    def __init__(self, pid: int, start_time: int) -> None:
        """Those of this very process; ``start_time`` 0: it has ended, and those of the last with its pid are meant."""
        self.pid, self._start_time = pid, start_time
        found = [each for each in _directories(pid) if not start_time or start_time in _lineage(each)]
        self._directory = found[0] if found else state_directory() / "generations" / f"{pid}-{start_time}"

    @property
    def all(self) -> tuple[Generation, ...]:
        """Oldest first."""
        return tuple(_generations(self._directory))

    def get(self, number: int | None) -> Generation:
        """One by its number, None for the newest. Raises WorkbenchError."""
        known = self.all
        if not known:
            raise WorkbenchError(f"there is no generation of process {self.pid}", f"workbench rollback save {self.pid}")
        if number is None:
            return known[-1]
        for each in known:
            if each.number == number:
                return each
        raise WorkbenchError(
            f"there is no generation {number}", f"there are {', '.join(str(each.number) for each in known)}"
        )

    def next_number(self) -> int:
        return max((each.number for each in self.all), default=0) + 1

    def memory_for(self, number: int, need_bytes: int) -> Path:
        """Where the images of a new one go."""
        return place_for(f"generation-{self._directory.name}-{number}", need_bytes)

    def add(self, generation: Generation) -> None:
        """Know of a new one, that is in memory only so far. Raises WorkbenchError."""
        place = self._directory / str(generation.number)
        try:
            place.mkdir(mode=0o700, parents=True)
            _write_json(place / MANIFEST, {"schema": SCHEMA, **asdict(generation)})
            self.belongs_to(self._start_time)
        except OSError as error:
            raise WorkbenchError(f"{place} cannot be written: {error.strerror}", "make room there") from error

    def belongs_to(self, start_time: int) -> None:
        """The process that began at this time is the same one, restored."""
        known = _lineage(self._directory)
        if start_time not in known:
            _write_json(self._directory / LINEAGE, {"schema": SCHEMA, "start_times": [*known, start_time]})

    def write_out(self, generation: Generation) -> Generation:
        """Copy it to the disk and have it there, while the process runs. Raises WorkbenchError."""
        began = time.monotonic()
        target = self._directory / str(generation.number) / "images"
        try:
            target.mkdir(mode=0o700)
            checksums = {path.name: _copied(path, target / path.name) for path in _files(Path(generation.memory))}
            _sync(target)
        except OSError as error:
            raise WorkbenchError(f"generation {generation.number} is in memory only: {error.strerror}") from error
        took = (time.monotonic() - began) * 1000
        written = replace(generation, disk=str(target), checksums=checksums, written_ms=round(took, 1))
        _write_json(target.parent / MANIFEST, {"schema": SCHEMA, **asdict(written)})
        return written

    def prune(self, keep: int, at_most_bytes: int = AT_MOST_BYTES) -> tuple[int, ...]:
        """Forget all but the newest ``keep``, and what of the others in memory is too much and on the disk as well.

        The numbers of those that are gone.
        """
        known = self.all
        gone = known[:-keep] if keep else known
        for each in gone:
            _remove(each.memory)
            _remove(str(self._directory / str(each.number)))
        used = 0
        for each in reversed(known[len(gone) :]):
            used += each.bytes if each.memory and Path(each.memory).exists() else 0
            if used > at_most_bytes and each.disk:
                _remove(each.memory)
                fresh = {"schema": SCHEMA, **asdict(replace(each, memory=""))}
                _write_json(self._directory / str(each.number) / MANIFEST, fresh)
        return tuple(each.number for each in gone)


def forget(pid: int | None = None) -> int:
    """Remove all generations of one process, or of every one; how many it were."""
    count = 0
    for directory in (state_directory() / "generations").glob("*-*" if pid is None else f"{pid}-*"):
        for each in _generations(directory, of_this_boot=False):
            _remove(each.memory)
            count += 1
        _remove(str(directory))
    return count


def damage_of(generation: Generation) -> str:
    """Why its images cannot be used; empty if they are in memory, or on the disk as they were written."""
    if not generation.images:
        return "its images are gone"
    if generation.images == generation.memory:
        return ""
    for name, checksum in generation.checksums.items():
        path = Path(generation.disk, name)
        try:
            if _checksum(path) != checksum:
                return f"{name} is damaged"
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
    return ""


def every_process() -> tuple[tuple[Generation, ...], ...]:
    """The generations of each process that has some."""
    root = state_directory() / "generations"
    found = (tuple(_generations(each)) for each in sorted(root.glob("*-*")))
    return tuple(each for each in found if each)


def _directories(pid: int) -> Iterator[Path]:
    yield from sorted((state_directory() / "generations").glob(f"{pid}-*"), reverse=True)


def _lineage(directory: Path) -> Sequence[int]:
    try:
        return [int(each) for each in json.loads((directory / LINEAGE).read_text())["start_times"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _generations(directory: Path, *, of_this_boot: bool = True) -> Iterator[Generation]:
    try:
        names = sorted((int(path.name), path) for path in directory.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return
    for _, path in names:
        try:
            found = _generation(json.loads((path / MANIFEST).read_text()))
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if found.boot_id == boot_id() or not of_this_boot:  # its connections and its pid are of that boot
            yield found


def _generation(record: Any) -> Generation:
    if record.pop("schema") != SCHEMA:
        raise ValueError("of another version")
    return Generation(**record)


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_file() and not path.is_symlink())


def _copied(source: Path, target: Path) -> int:
    """Copy one file, have it on the disk, and return its CRC-32."""
    checksum = 0
    with source.open("rb") as reading, target.open("xb") as writing:
        while piece := reading.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
            writing.write(piece)
        writing.flush()
        os.fsync(writing.fileno())
    return checksum


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as reading:
        while piece := reading.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum


def _write_json(path: Path, record: Mapping[str, object]) -> None:
    """In one step: it is there whole or as it was."""
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    if path:
        shutil.rmtree(path, ignore_errors=True)
