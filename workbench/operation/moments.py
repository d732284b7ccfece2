"""What was seen of an operation's connections at each of its phases, kept beside its journal for a later bundle."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.evidence import Evidence, Gap
from workbench.evidence.columns import Malformed, Reading, as_they_are
from workbench.evidence.recording import (
    FORMAT,
    SECTIONS,
    RecordedMoment,
    assemble,
    collected,
    decode_section,
    encode_section,
)
from workbench.operation.journal import Entry, read_entry
from workbench.operation.sampling import Sample

TITLES = {"planned": "before", "over": "after"}
"""Phases that have another name for a person; see ``machine.Phase``."""
_LARGEST = 64 << 20
_MOST_CELLS = 16_000_000


def path_beside(journal: Path) -> Path:
    """Where the moments of a journaled operation are."""
    return journal.with_suffix(".moments")


class Moments:
    """The newest look in each phase. Looking costs nothing more; what is kept is written when all is over."""

    def __init__(self) -> None:
        self._kept: dict[str, Callable[[], Evidence]] = {}

    def keep(self, phase: str, evidence: Evidence | None, sample: Sample) -> None:
        """Keep what was just seen."""
        if evidence is not None:
            self._kept[TITLES.get(phase, phase)] = lambda: _of_operation(evidence, sample)

    def write(self, journal: Path) -> None:
        """Write them for root alone. What fails here must not be the failure of the operation."""
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(path_beside(journal), flags, 0o600), "w") as file:
                entry = read_entry(journal)
                for title, make in self._kept.items():
                    file.write(json.dumps(_row(title, _under_way(make(), title, entry))) + "\n")


def read_moments(journal: Path) -> Iterator[tuple[str, Evidence]]:
    """Title and evidence of each; none if they were not kept, or by a workbench of another format."""
    try:
        with path_beside(journal).open("rb") as file:
            content = file.read(_LARGEST)
        for line in content.splitlines():
            yield _moment(json.loads(line))
    except (OSError, ValueError, KeyError, TypeError, Malformed):
        return


def _under_way(evidence: Evidence, title: str, entry: Entry | None) -> Evidence:
    """The evidence with the operation as it stood then: what is locked and in repair is so because of it."""
    if entry is None:
        return evidence
    alive = title not in TITLES.values()
    operation = replace(entry.summary(), last=title, workbench_alive=alive, criu_alive=alive)
    return replace(evidence, unfinished=(operation,) if alive else ())


def _of_operation(evidence: Evidence, sample: Sample) -> Evidence:
    """The evidence with the operation's own sockets alone: those of others are no part of it."""
    ends = (*sample.ours.values(), *sample.peers.values())
    sockets = tuple(end.socket for end in ends if end.socket is not None)
    sequences = {
        end.socket.cookie: end.sequences for end in ends if end.socket is not None and end.sequences is not None
    }
    return replace(
        evidence,
        sockets=evidence.sockets if isinstance(evidence.sockets, Gap) else sockets,
        sequences=evidence.sequences if isinstance(evidence.sequences, Gap) else sequences,
    )


def _row(title: str, evidence: Evidence) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "title": title,
        "taken": evidence.taken,
        "monotonic_ns": evidence.monotonic_ns,
        "sections": {name: encode_section(name, value, as_they_are) for name, value in collected(evidence)},
    }


def _moment(row: Any) -> tuple[str, Evidence]:
    if row["format"] != FORMAT:
        raise Malformed("another format")
    reading = Reading(_MOST_CELLS)
    sections = {
        name: decode_section(name, found, reading) for name, found in row["sections"].items() if name in SECTIONS
    }
    title = str(row["title"])
    about = RecordedMoment(title, float(row["taken"]), int(row["monotonic_ns"]), {})
    return title, assemble(about, sections, redacted=False)
