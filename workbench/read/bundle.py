"""A bundle as a source of evidence: its moments, what was judged then, and what it says of itself."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap
from workbench.evidence.columns import Malformed, Reading, without_collection
from workbench.evidence.recording import (
    FORMAT,
    SECTIONS,
    RecordedFinding,
    RecordedMoment,
    assemble,
    decode_records,
    decode_section,
)
from workbench.read.bundle_archive import Archive
from workbench.read.bundle_limits import MOST_CELLS, Room
from workbench.read.bundle_manifest import manifest_from
from workbench.read.bundle_migrations import migrate

Value = TypeVar("Value")
MANIFEST, FINDINGS, JOURNAL = "manifest.json", "findings.json", "journal.jsonl"


class Bundle:
    """An open bundle; see ``workbench.source.Recording``. Close it."""

    def __init__(self, path: str) -> None:
        """Open it. Raises WorkbenchError, one sentence, for whatever is not a bundle of a known format."""
        self._path = path
        self._archive = Archive(path)
        self._at = 0
        self._kept: tuple[int, Evidence] | None = None
        try:
            self._format, found = self._versioned()
            self.manifest = self._checked(manifest_from, found)
            self._at = len(self.manifest.moments) - 1
            self._sums = {member.name: member.sha256 for member in self.manifest.members}
        except BaseException:
            self._archive.close()
            raise

    @property
    def label(self) -> str:
        return Path(self._path).name

    @property
    def tool(self) -> str:
        return self.manifest.tool

    @property
    def is_live(self) -> bool:
        return False

    @property
    def moments(self) -> tuple[RecordedMoment, ...]:
        return self.manifest.moments

    @property
    def at(self) -> int:
        """Number of the moment that ``evidence`` gives, from 0; the last one at first."""
        return self._at

    def go(self, number: int) -> None:
        """Give another moment from now on; the nearest one if there is none such."""
        self._at = max(0, min(number, len(self.moments) - 1))

    def evidence(self) -> Evidence:
        """The evidence of the moment. Raises WorkbenchError if it is damaged."""
        if self._kept is None or self._kept[0] != self._at:
            self._kept = self._at, self._read(self.moments[self._at])
        return self._kept[1]

    def findings(self) -> tuple[RecordedFinding, ...]:
        """What the checks said when the bundle was made, moment by moment, root cause first."""
        if FINDINGS not in self._archive.members:
            return ()
        found = self._json(FINDINGS, Room())
        with without_collection():
            return self._checked(lambda value: decode_records(RecordedFinding, value, Reading(MOST_CELLS)), found)

    def verify(self) -> None:
        """Read every member. Raises WorkbenchError for the first that is not as the manifest says."""
        for name in self._archive.members:
            self._content(name)

    def sizes(self) -> Mapping[str, tuple[int, int]]:
        """Of each member its bytes and its compressed bytes."""
        return {name: (member.size, member.packed) for name, member in self._archive.members.items()}

    def text(self, name: str) -> str:
        """A member that is text."""
        return self._content(name).decode("utf-8", "replace")

    def close(self) -> None:
        self._archive.close()

    def _versioned(self) -> tuple[int, Any]:
        """The manifest in today's form, and the version of the format that it was written in."""
        found = self._json(MANIFEST, Room())
        version = found.get("format") if isinstance(found, dict) else None
        if type(version) is not int or version < 1:
            raise self._damaged("its manifest names no version of the format")
        if version > FORMAT:
            raise WorkbenchError(
                f"{self._path} has version {version} of the format, and this workbench knows {FORMAT}",
                "open it with a newer workbench",
            )
        return version, self._migrated(MANIFEST, version, found)

    def _read(self, moment: RecordedMoment) -> Evidence:
        reading = Reading(MOST_CELLS)
        room = Room()
        sections: dict[str, Any] = {}
        with without_collection():
            for name, member in moment.sections.items():
                if name not in SECTIONS:
                    reading.unknown.add(name)
                    continue
                found = self._migrated(name, self._format, self._json(member, room))
                try:
                    sections[name] = decode_section(name, found, reading)
                except Malformed as error:
                    raise self._damaged(f"{member}: {error}") from error
        evidence = assemble(moment, sections, redacted=self.manifest.redacted)
        if reading.unknown:
            reason = f"this workbench does not know {', '.join(sorted(reading.unknown)[:10])}"
            gap = Gap("bundle", reason, "open it with a newer workbench")
            evidence = replace(evidence, partial=(*evidence.partial, gap))
        return evidence

    def _migrated(self, member: str, version: int, found: Any) -> Any:
        return self._checked(lambda value: migrate(member, version, value), found)

    def _checked(self, make: Callable[[Any], Value], found: Any) -> Value:
        try:
            return make(found)
        except Malformed as error:
            raise self._damaged(str(error)) from error

    def _content(self, name: str) -> bytes:
        content = self._archive.read(name)
        if name != MANIFEST and hashlib.sha256(content).hexdigest() != self._sums.get(name):
            raise self._damaged(f"{name} is not what the manifest says")
        return content

    def _json(self, name: str, room: Room) -> Any:
        content = self._content(name)
        if not room.holds(content):
            raise self._damaged(f"{name} holds more than can be shown")
        try:
            return json.loads(content, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise self._damaged(f"{name} is no JSON of a bundle") from error

    def _damaged(self, reason: str) -> WorkbenchError:
        return WorkbenchError(f"{self._path} is no bundle of the workbench, or a damaged one: {reason}")


def _no_number(text: str) -> float:
    raise ValueError(text)  # NaN and Infinity, which JSON does not have
