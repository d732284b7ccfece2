"""From what the command line names to Evidence: this host, or files and directories, alone or together."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap, LogDigest, LogKind, Outcome, not_collected
from workbench.read.recognise import Kind, is_bundle, recognise

if TYPE_CHECKING:  # what one source needs, others do not
    from workbench.evidence import Capture, ConntrackEntry, ContainerCheckpoint, ImageDirectory, Socket
    from workbench.evidence.netfilter import Lock, Rule
    from workbench.evidence.recording import RecordedFinding
    from workbench.read.checkpoint_archive import CheckpointArchive
    from workbench.read.pcap import PacketRoom

LOGS = ("dump.log", "restore.log")
"""Logs that are read along with the images of their directory."""
RULES_LIMIT = 16 << 20
"""Bytes up to which a text is searched for netfilter rules."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Evidence from everything that could be read, and why the rest could not."""

    evidence: Evidence
    unreadable: tuple[WorkbenchError, ...] = ()
    strange: Mapping[str, WorkbenchError] = field(default_factory=dict)
    """Texts of which no line is known, by path: unless a check finds something in one, it was the wrong file."""
    recorded: "tuple[RecordedFinding, ...] | None" = None
    """What the checks said when the bundle among them was made, of the moment that is judged now."""


def read_sources(paths: Iterable[str]) -> Gathered:
    """Read every file and directory; one that cannot be read is named and the others still count.

    What they tell is taken for one moment: of a socket that stands in two listings the later named counts.
    """
    from workbench.evidence.columns import without_collection

    reading = _Reading()
    unreadable: list[WorkbenchError] = []
    with without_collection():
        for path in dict.fromkeys(paths):
            try:
                reading.read(path)
            except WorkbenchError as error:
                unreadable.append(error)
        reading.finish(unreadable)
        return Gathered(reading.evidence(unreadable), tuple(unreadable), reading.strange, reading.recorded)


def evidence_of(path: str) -> Evidence:
    """What one source tells. Raises WorkbenchError if it cannot be read."""
    gathered = read_sources([path])
    for error in gathered.unreadable:
        raise error
    return gathered.evidence


def evidence_of_bundle(path: str, *sections: str) -> Evidence | None:
    """The evidence of a bundle, None for another file. Raises WorkbenchError if it has none of the sections."""
    if not is_bundle(_moment(path)[0]):
        return None
    evidence = evidence_of(path)
    gaps = [found for name in sections if isinstance(found := getattr(evidence, name), Gap)]
    if len(gaps) == len(sections):
        raise WorkbenchError(f"{path} has no {sections[0]}: {gaps[0].reason}", "`bundle show` says what is in it")
    return evidence


class _Reading:
    """What was read so far, section by section; None where nothing told of it."""

    def __init__(self) -> None:
        self._sources: list[str] = []
        self._logs: list[LogDigest] = []
        self._rules: list[Rule] | None = None
        self._locks: list[Lock] = []
        self._images: list[ImageDirectory] = []
        self._checkpoints: list[ContainerCheckpoint] = []
        self._sockets: dict[tuple[object, ...], Socket] | None = None
        self._conntrack: dict[object, ConntrackEntry] | None = None
        self._decoded: dict[str, dict[str, bytes]] = {}
        """Images that crit had decoded, by the directory that the files lie in."""
        self._whole: set[str] = set()
        """Such directories that were named themselves: what is missing in others was only not named."""
        self._captures: list[Capture] = []
        self._packets: PacketRoom | None = None
        self._events: Evidence | None = None
        self._gaps: list[Gap] = []
        self._modified = 0.0
        self._bundle: Evidence | None = None
        self.recorded: tuple[RecordedFinding, ...] | None = None
        self.strange: dict[str, WorkbenchError] = {}

    def read(self, path: str) -> None:
        """Read one source, whatever it is; ``FILE@2`` is the second moment of a bundle."""
        place, number = _moment(path)
        if number is None:
            self.READERS[recognise(place)](self, place)
        else:
            self._read_bundle(place, number)
        self._sources.append(path)
        self._modified = max(self._modified, Path(place).stat().st_mtime)

    def finish(self, unreadable: list[WorkbenchError]) -> None:
        """Put together what several files tell of one thing."""
        if not self._decoded:
            return
        from workbench.read.criu_images import read_images
        from workbench.read.image_store import MemoryStore

        for place, files in self._decoded.items():
            store = MemoryStore(place, files, sum(map(len, files.values())), self._modified)
            try:
                self._images.append(read_images(store, excerpt=place not in self._whole))
            except WorkbenchError as error:
                unreadable.append(error)

    def _read_images(self, path: str) -> None:
        from workbench.read.criu_images import read_image_directory

        self._images.append(read_image_directory(path))
        for log in (Path(path) / name for name in LOGS):
            if log.is_file():
                self._read_text(os.fspath(log))

    def _read_state(self, path: str) -> None:
        from workbench.read.state_file import read_state_as_images

        self._images.append(read_state_as_images(path))

    def _read_archive(self, path: str) -> None:
        from workbench.read.checkpoint_archive import read_checkpoint_archive

        self._take_container(read_checkpoint_archive(path))

    def _read_container(self, path: str) -> None:
        from workbench.read.checkpoint_directory import read_checkpoint_directory

        self._take_container(read_checkpoint_directory(path))

    def _take_container(self, archive: "CheckpointArchive") -> None:
        from workbench.read.log_digest import digest_of

        self._images.extend(archive.images)
        self._checkpoints.extend(archive.containers)
        self._logs.extend(digest_of(name, content) for name, content in archive.logs.items())

    def _read_bundle(self, path: str, number: int | None = None) -> None:
        """``number``: of the moment, from 1; the last one if there is none."""
        from workbench.read.bundle import Bundle

        if self._bundle is not None:
            raise WorkbenchError(f"{path} is a second bundle", "`workbench compare` takes two")
        bundle = Bundle(path)
        try:
            if number is not None:
                if not 1 <= number <= len(bundle.moments):
                    titles = ", ".join(f"{place} {each.title}" for place, each in enumerate(bundle.moments, 1))
                    raise WorkbenchError(f"{path} has no moment {number}", f"its moments are: {titles}")
                bundle.go(number - 1)
            self._bundle = bundle.evidence()
            self.recorded = tuple(each for each in bundle.findings() if each.moment == bundle.at)
        finally:
            bundle.close()

    def _read_crit(self, path: str) -> None:
        from workbench.read.crit_json import LARGEST, is_crit_json, read_crit_json

        place = Path(path)
        within = place.is_dir()
        if within:
            self._whole.add(path)
        # whoever opens a FIFO waits for its writer
        for file in sorted(filter(Path.is_file, place.glob("*.json"))) if within else (place,):
            with file.open("rb") as opened:
                content = opened.read(LARGEST + 1)
            if is_crit_json(content):
                name, image = read_crit_json(file.name, content)
                self._decoded.setdefault(path if within else os.fspath(place.parent), {})[name] = image

    def _read_sockets(self, path: str) -> None:
        from workbench.read.text_lines import lines_of

        self._take_sockets(path, lines_of(path, self._cut("sockets")))

    def _cut(self, section: str) -> Callable[[str], object]:
        """Takes down that a file was not read to its end."""
        return lambda sentence: self._gaps.append(Gap(section, sentence, "name the part that matters alone"))

    def _take_sockets(self, path: str, lines: Iterable[str]) -> None:
        from workbench.evidence import TcpState
        from workbench.read.ss_output import read_ss

        listing = read_ss(lines)
        self._sockets = self._sockets or {}
        for socket in listing.sockets:
            same = socket.state is TcpState.LISTEN and (socket.cookie or socket.inode)
            self._sockets[socket.family, socket.connection.unmapped, same] = socket
        if listing.by_name:
            self._gaps.append(
                Gap("sockets", f"{path} names {listing.by_name} sockets by host or service", "run ss with -n")
            )

    def _read_conntrack(self, path: str) -> None:
        from workbench.read.text_lines import lines_of

        self._take_conntrack(lines_of(path, self._cut("conntrack")))

    def _take_conntrack(self, lines: Iterable[str]) -> None:
        from workbench.read.conntrack_list import read_conntrack

        self._conntrack = (self._conntrack or {}) | {entry.connection: entry for entry in read_conntrack(lines)}

    def _read_nft_json(self, path: str) -> None:
        from workbench.read.nft_json import LARGEST, nft_text

        with Path(path).open("rb") as file:
            text = nft_text(file.read(LARGEST + 1).decode("utf-8", "surrogateescape"))
        if not text:
            raise WorkbenchError(f"{path} is no whole JSON document of nft's", "save it again: nft -j list ruleset")
        self._take_rules(path, text)

    def _read_capture(self, path: str) -> None:
        from workbench.read.pcap import PacketRoom, read_capture

        self._packets = self._packets or PacketRoom()
        capture = read_capture(path, room=self._packets)
        self._captures.append(capture)
        self._gaps.extend(Gap("captures", f"{path}: {problem}") for problem in capture.problems)

    def _read_events(self, path: str) -> None:
        from workbench.read.events_source import EventsSource

        if self._events is not None:
            raise WorkbenchError(
                f"{path} is a second recording of events", "judge one at a time: each has its own clock"
            )
        self._events = EventsSource(path).evidence()

    def _read_text(self, path: str) -> None:
        """A log, a list of rules, of sockets or of tracked connections, or several of them in one file."""
        from workbench.read.log_digest import read_digest
        from workbench.read.marks import is_conntrack_line, is_ss_line
        from workbench.read.text_lines import lines_of

        digest = read_digest(path)
        is_known = not _tells_nothing(digest)
        if not _is_all_rules(digest):
            self._logs.append(digest)
        if any(_may_be_rules(line.text) for line in digest.lines):
            from workbench.read.netfilter_dump import is_netfilter_dump

            with Path(path).open("rb") as file:
                text = file.read(RULES_LIMIT).decode("utf-8", "surrogateescape")
            if is_netfilter_dump(text):
                is_known = True
                self._take_rules(path, text)
                if digest.total_bytes > RULES_LIMIT:
                    self._cut("rules")(f"only the first {RULES_LIMIT >> 20} MiB of {path} were looked at")
        if any(line.seconds is None and is_ss_line(line.text) for line in digest.lines):
            is_known = True
            self._take_sockets(path, lines_of(path, self._cut("sockets")))
        if any(line.seconds is None and is_conntrack_line(line.text) for line in digest.lines):
            is_known = True
            self._take_conntrack(lines_of(path, self._cut("conntrack")))
        if not is_known:
            reason = f"no line of {path} is known as one of a log, of rules or of a list of connections"
            self.strange[path] = WorkbenchError(reason, "look whether it is the right file")

    def _take_rules(self, path: str, text: str) -> None:
        from workbench.read.netfilter_dump import MOST_LINES, read_netfilter_dump

        dump = read_netfilter_dump(text)
        if dump.is_cut:
            self._cut("rules")(f"only the first {MOST_LINES} lines of {path} were looked at")
        self._rules = [*(self._rules or ()), *dump.rules]
        known = set(map(_identity, self._locks))
        self._locks.extend(lock for lock in dump.locks if _identity(lock) not in known)

    def evidence(self, unreadable: Iterable[WorkbenchError]) -> Evidence:
        """All of it; what the bundle holds together with what the other files tell."""
        found = self._of_files(unreadable)
        if self._events is not None:
            same = {name: getattr(self._events, name) for name in ("taken", "monotonic_ns", "events", "namespaces")}
            found = replace(found, **same)
        if self._bundle is None:
            return found
        from workbench.evidence.recording import together

        return together(self._bundle, found)

    def _of_files(self, unreadable: Iterable[WorkbenchError]) -> Evidence:
        return Evidence(
            taken=self._modified or time.time(),
            monotonic_ns=0,
            sources=tuple(self._sources),
            sockets=not_collected("sockets") if self._sockets is None else tuple(self._sockets.values()),
            rules=not_collected("rules") if self._rules is None else tuple(self._rules),
            locks=not_collected("locks") if self._rules is None else tuple(self._locks),
            conntrack=not_collected("conntrack") if self._conntrack is None else tuple(self._conntrack.values()),
            images=tuple(self._images) if self._images else not_collected("images"),
            checkpoints=tuple(self._checkpoints) if self._checkpoints else not_collected("checkpoints"),
            captures=tuple(self._captures) if self._captures else not_collected("captures"),
            log=tuple(line for digest in self._logs for line in digest.lines) if self._logs else not_collected("log"),
            logs=tuple(self._logs) if self._logs else not_collected("logs"),
            partial=(
                *self._gaps,
                *(Gap("sources", error.message, error.hint) for error in (*unreadable, *self.strange.values())),
            ),
        )

    READERS: ClassVar[dict[Kind, Callable[["_Reading", str], None]]] = {
        Kind.IMAGES: _read_images,
        Kind.ARCHIVE: _read_archive,
        Kind.CONTAINER: _read_container,
        Kind.STATE: _read_state,
        Kind.CRIT: _read_crit,
        Kind.SOCKETS: _read_sockets,
        Kind.CONNTRACK: _read_conntrack,
        Kind.NFT_JSON: _read_nft_json,
        Kind.CAPTURE: _read_capture,
        Kind.BUNDLE: _read_bundle,
        Kind.EVENTS: _read_events,
        Kind.TEXT: _read_text,
    }


def _moment(path: str) -> tuple[str, int | None]:
    """``FILE@2`` as the file and the number, if there is no file of that name, and FILE is a bundle."""
    file, _, number = path.rpartition("@")
    if file and number.isdecimal() and not os.path.lexists(path) and is_bundle(file):
        return file, int(number[:9])
    return path, None


def _identity(lock: "Lock") -> tuple[object, ...]:
    """iptables-save and nft list the same rules of iptables-nft: it is one lock."""
    return lock.backend, lock.family, lock.table, lock.name, lock.connections


def _tells_nothing(digest: LogDigest) -> bool:
    """No run of CRIU's, and nothing that is called an error: any text at all could be this."""
    return (
        digest.kind is LogKind.CONSOLE
        and digest.outcome is Outcome.UNKNOWN
        and digest.stage is None
        and all(line.seconds is None and line.level == "info" for line in digest.lines)
    )


def _is_all_rules(digest: LogDigest) -> bool:
    """Whether the text is a saved list of rules from its first line on, and no log with such a list within."""
    first = next((line.text for line in digest.lines if line.text.strip()), "")
    return _may_be_rules(first) and all(line.seconds is None for line in digest.lines)


def _may_be_rules(line: str) -> bool:
    return line.startswith(("*", "table ", "# Generated by"))
