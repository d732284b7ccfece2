"""From moments of evidence to a bundle: members, what does not fit, the manifest, and the file."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.bundle.archive import Content, pack, write_archive
from workbench.bundle.journal import journal_lines
from workbench.bundle.privacy import Kind
from workbench.bundle.redaction import Redaction
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap, Host
from workbench.evidence.columns import Reading, without_collection
from workbench.evidence.recording import (
    SECTIONS,
    Manifest,
    Member,
    Omission,
    RecordedFinding,
    RecordedMoment,
    assemble,
    collected,
    decode_section,
    encode_records,
    encode_section,
)
from workbench.read.bundle import FINDINGS, JOURNAL, MANIFEST
from workbench.read.bundle_archive import LARGEST_MEMBER, RATIO, RATIO_FROM
from workbench.read.bundle_limits import MOST_CELLS, Room
from workbench.read.bundle_manifest import manifest_row

DEFAULT_SIZE = 20 << 20
_RESERVE = 64 << 10
"""Bytes kept for manifest and findings."""

Judge = Callable[[Evidence], Iterable[RecordedFinding]]


@dataclass(frozen=True, slots=True)
class Shot:
    """One moment that is to be written."""

    title: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Material:
    """All that goes into a bundle, before anything is left out."""

    title: str
    shots: Sequence[Shot]
    journals: tuple[Path, ...] = ()
    """Files of operations that it is about."""
    left_out: tuple[Omission, ...] = ()
    """What is known to be missing already."""


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle before it is written to a file."""

    manifest: Manifest
    members: tuple[Content, ...]
    findings: tuple[RecordedFinding, ...] = ()

    @property
    def sizes(self) -> Mapping[str, tuple[int, int]]:
        """Of each member its bytes and its compressed bytes."""
        return {member.name: (len(member.content), len(member.packed)) for member in self.members}

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(member.cost for member in self.members) + 22


@dataclass
class _Moment:
    """A moment whose sections are packed."""

    title: str
    evidence: Evidence
    sections: dict[str, Content] = field(default_factory=dict)


def make(
    material: Material,
    redaction: Redaction,
    *,
    judge: Judge | None = None,
    largest: int = DEFAULT_SIZE,
    tell: Callable[[str], object] = lambda _: None,
) -> Made:
    """The bundle of at most ``largest`` bytes; ``tell`` hears what is being done.

    ``judge`` is asked about each moment as whoever opens the bundle will see it.
    """
    with without_collection():
        return _make(material, redaction, judge, largest, tell)


def _make(
    material: Material, redaction: Redaction, judge: Judge | None, largest: int, tell: Callable[[str], object]
) -> Made:
    packer = _Packer(redaction)
    moments = []
    for number, shot in enumerate(material.shots, 1):
        tell(f"moment {number} of {len(material.shots)}: {shot.title}")
        moments.append(packer.moment(shot))
    left_out = [*material.left_out]
    journal = _journal([line for path in material.journals for line in journal_lines(path, redaction)])
    room = largest - _RESERVE - sum(member.cost for member in journal)
    left_out += packer.fit(moments, room)
    findings: list[RecordedFinding] = []
    if judge is not None:
        for number, moment in enumerate(moments):
            tell(f"checks, moment {number + 1} of {len(moments)}")
            evidence = _as_read(moment, redacted=not redaction.consent.names)
            findings += (replace(each, moment=number) for each in judge(evidence))
    judged = [pack(FINDINGS, _json(encode_records(RecordedFinding, tuple(findings), lambda _, values: values)))]
    recorded, members = _named(moments)
    members += [*judged, *journal]
    manifest = Manifest(
        tool=__version__,
        title=material.title,
        redacted=not redaction.consent.names,
        redaction=redaction.sentences,
        versions=_versions(moments, redaction),
        moments=recorded,
        members=tuple(map(_described, members)),
        left_out=tuple(left_out),
    )
    head = pack(MANIFEST, (json.dumps(manifest_row(manifest), indent=1) + "\n").encode())
    return Made(manifest, (head, *members), tuple(findings))


def _named(moments: Sequence[_Moment]) -> tuple[tuple[RecordedMoment, ...], list[Content]]:
    """The moments as the manifest has them, and their members, each once."""
    members: list[Content] = []
    recorded = []
    same: dict[bytes, str] = {}
    for number, moment in enumerate(moments, 1):
        names = {}
        for section, content in moment.sections.items():
            name = f"moments/{number:04}/{section}.json"
            names[section] = same.setdefault(content.content, name)
            if names[section] == name:
                members.append(replace(content, name=name))
        recorded.append(RecordedMoment(moment.title, moment.evidence.taken, moment.evidence.monotonic_ns, names))
    return tuple(recorded), members


def _described(member: Content) -> Member:
    section = member.name.rpartition("/")[2].removesuffix(".json")
    origin = {FINDINGS: "the checks, of the evidence as it stands here", JOURNAL: "journals of operations"}
    return Member(
        member.name,
        len(member.content),
        hashlib.sha256(member.content).hexdigest(),
        origin.get(member.name, f"evidence: {section}"),
    )


def _versions(moments: Sequence[_Moment], redaction: Redaction) -> dict[str, str]:
    """Kernel and CRIU of the host, where it was looked at."""
    host = next((m.evidence.host for m in reversed(moments) if isinstance(m.evidence.host, Host)), None)
    if host is None:
        return {}
    criu = {} if host.criu is None else {"criu": redaction.text(Kind.RELEASE, host.criu.version)}
    return {"kernel": redaction.text(Kind.RELEASE, host.kernel_release), **criu}


class _Packer:
    """Sections as members; one that did not change since the moment before is not packed again."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._last: dict[str, Content] = {}

    def moment(self, shot: Shot) -> _Moment:
        prepared = self._redaction.prepare(shot.evidence)
        # zlib lets other threads run: the next section is written meanwhile
        with ThreadPoolExecutor(max_workers=2) as threads:
            packing = {
                name: threads.submit(self._packed, name, self._written(name, value))
                for name, value in collected(prepared)
            }
        return _Moment(shot.title, prepared, {name: packed.result() for name, packed in packing.items()})

    def _written(self, name: str, value: Any) -> bytes:
        return _json(encode_section(name, value, self._redaction.rewrite))

    def _packed(self, name: str, content: bytes) -> Content:
        known = self._last.get(name)
        if known is None or known.content != content:
            known = self._last[name] = pack("section.json", content)
        return known

    def fit(self, moments: list[_Moment], room: int) -> list[Omission]:
        """Leave out what does not fit: moments from the middle, then the ends of what is largest."""
        left_out = []
        number = len(moments)
        while len(moments) > 2 and _cost(moments) > room:
            # every second of those between the first and the last
            kept = [moments[0], *moments[1:-1][1::2], moments[-1]]
            moments[:] = kept if len(kept) < len(moments) else [moments[0], moments[-1]]
        if len(moments) < number:
            left_out.append(Omission(f"{number - len(moments)} of {number} moments", "the bundle would be too large"))
        cut: dict[tuple[int, str], tuple[int, str]] = {}
        while (found := _too_large(moments, room)) is not None:
            moment, section = found
            value = getattr(moment.evidence, section)
            place = moments.index(moment), section
            if isinstance(value, Gap) or not len(value):
                break
            total, _ = cut.get(place, (len(value), ""))
            shorter = _half(value)
            moment.evidence = replace(moment.evidence, **{section: shorter})
            moment.sections[section] = self._packed(section, self._written(section, shorter))
            cut[place] = total, f"{total - len(shorter)} of {total} {section} of moment {place[0] + 1}"
        left_out += (Omission(what, "the bundle would be too large") for _, what in cut.values())
        return left_out


def _half(value: Any) -> Any:
    count = len(value) // 2
    if isinstance(value, Mapping):
        return dict(list(value.items())[:count])
    return tuple(value[:count])


def _cost(moments: Iterable[_Moment]) -> int:
    """Bytes in the archive; a section that several moments share counts once."""
    contents = {id(content): content for moment in moments for content in moment.sections.values()}
    return sum(content.cost for content in contents.values())


def _too_large(moments: Sequence[_Moment], room: int) -> tuple[_Moment, str] | None:
    """The section to shorten: of a moment that no reader would take, or the largest while the whole does not fit."""
    wanted = next(([moment] for moment in moments if not _is_readable(moment)), None)
    if wanted is None and _cost(moments) <= room:
        return None
    sized = [
        (len(content.content) if wanted else content.cost, name, moment)
        for moment in wanted or moments
        for name, content in moment.sections.items()
        if _has_items(moment.evidence, name)
    ]
    _, name, found = max(sized, key=lambda item: item[0], default=(0, "", None))
    return None if found is None else (found, name)


def _has_items(evidence: Evidence, section: str) -> bool:
    return isinstance(getattr(evidence, section), Sequence | Mapping)


def _is_readable(moment: _Moment) -> bool:
    """Whether a reader's limits let all its sections through."""
    room = Room()
    return all(
        room.holds(content.content)
        and len(content.content) <= LARGEST_MEMBER
        and len(content.content) <= max(len(content.packed) * RATIO, RATIO_FROM)
        for content in moment.sections.values()
    )


def _as_read(moment: _Moment, *, redacted: bool) -> Evidence:
    """The moment as whoever opens the bundle will see it."""
    reading = Reading(MOST_CELLS)
    sections = {
        name: decode_section(name, json.loads(content.content), reading)
        for name, content in moment.sections.items()
        if name in SECTIONS
    }
    about = RecordedMoment(moment.title, moment.evidence.taken, moment.evidence.monotonic_ns, {})
    return assemble(about, sections, redacted=redacted)


def _journal(lines: Sequence[Mapping[str, Any]]) -> list[Content]:
    if not lines:
        return []
    return [pack(JOURNAL, b"".join(_json(dict(line)) for line in lines))]


def _json(value: Any) -> bytes:
    return (json.dumps(value, separators=(",", ":")) + "\n").encode()


def save(made: Made, path: Path, *, replacing: bool = False) -> None:
    """Write the file whole or not at all, readable for its owner alone. Raises WorkbenchError."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if not replacing and path.exists():
            raise WorkbenchError(f"{path} is there already", "name another file")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            write_archive(file, made.members)
            file.flush()
            os.fsync(descriptor)
        fresh.rename(path)
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            fresh.unlink()
