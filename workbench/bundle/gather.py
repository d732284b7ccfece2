"""What a bundle is made of: this host now or for some seconds, files that were named, an operation."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.bundle.write import Material, Shot
from workbench.errors import WorkbenchError
from workbench.evidence import CriuTool, Evidence, Gap, Target
from workbench.evidence.event import Event
from workbench.evidence.recording import Omission, together
from workbench.operation.lock_images import with_images_of_locks

LONGEST_S = 3600
Tell = Callable[[str], object]
Stop = Callable[[float], bool]


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@dataclass(frozen=True, slots=True)
class Sought:
    """What a person wants in the bundle; what is not named is left out."""

    host: bool = True
    """This host as it is."""
    pids: tuple[int, ...] = ()
    """Processes of which, and of whose descendants, open files are looked at too."""
    seconds: float = 0
    """Record so long: a moment each second, and the events meanwhile."""
    files: Evidence | None = None
    """What was read of files that were named."""
    operation: str | None = None
    """A journaled operation, or ``last``."""
    recorded: Evidence | None = None
    """What is there already from before: events and captures."""


def gather(sought: Sought, tell: Tell = lambda _: None, stop: Stop = _wait) -> Material:
    """Look at all of it. ``stop`` waits so many seconds and says whether to end a recording early."""
    titles: list[str] = []
    shots: list[Shot] = []
    left_out: list[Omission] = []
    journals: tuple[Path, ...] = ()
    if sought.operation is not None:
        operation = _of_operation(sought.operation)
        journals = operation.journals
        titles.append(operation.title)
        shots += operation.shots
    files = sought.files
    if sought.operation is not None:
        files = operation.files if files is None else together(operation.files, files)
    if sought.host:
        recording = _of_host(sought, tell, stop)
        titles.append("this host" if not sought.seconds else f"this host for {recording.seconds:.0f} seconds")
        shots += recording.shots
        if recording.is_cut_short:
            missing = sought.seconds - recording.seconds
            left_out.append(
                Omission(f"the last {missing:.0f} of {sought.seconds:.0f} seconds", "the recording was interrupted")
            )
    if sought.files is not None:
        titles.append("files")
    if sought.recorded is not None:
        titles.append("what was recorded before")
        files = sought.recorded if files is None else together(files, sought.recorded)
    if files is not None:
        # to the last moment alone: before, they were others or not there yet
        last = shots.pop() if shots else Shot("recorded", _nothing(files))
        shots.append(replace(last, evidence=together(last.evidence, files)))
    return Material(" and ".join(titles), tuple(shots), journals, tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Operation:
    title: str
    shots: tuple[Shot, ...]
    files: Evidence
    """Its images and logs as they are now."""
    journals: tuple[Path, ...]


def _of_operation(name: str) -> _Operation:
    """A journaled operation. Raises WorkbenchError if there is none such."""
    from workbench.operation.journal import entries
    from workbench.operation.moments import read_moments
    from workbench.read.criu_images import read_image_directory
    from workbench.read.log_digest import read_digest

    known = entries()
    found = known[-1:] if name == "last" else [entry for entry in known if entry.id == name]
    if not found:
        ids = ", ".join(entry.id for entry in known[-3:])
        raise WorkbenchError(
            "no operation was journaled here" if name == "last" else f"there is no journal of {name}",
            f"the newest are {ids}" if ids else "",
        )
    entry = found[0]
    place = str(entry.begun.get("images") or "")
    files = Evidence(time.time(), 0, ())
    partial: list[Gap] = []
    try:
        files = replace(files, images=(read_image_directory(place),), sources=(place,)) if place else files
    except WorkbenchError as error:
        partial.append(Gap("images", error.message, error.hint))
    logs = [str(path) for path in (Path(place, "dump.log"), Path(place, "restore.log")) if place and path.is_file()]
    if logs:
        files = replace(files, logs=tuple(map(read_digest, logs)))
    # a restore is told together with the dump that it came from
    same = [each for each in known if place and each.begun.get("images") == place] or [entry]
    shots = tuple(
        Shot(f"{each.kind}: {title}", evidence) for each in same for title, evidence in read_moments(each.path)
    )
    journals = tuple(each.path for each in same)
    return _Operation(entry.summary().title, shots, replace(files, partial=tuple(partial)), journals)


def _nothing(files: Evidence) -> Evidence:
    """Evidence of the same time, with no section."""
    return Evidence(files.taken, files.monotonic_ns, ())


@dataclass(frozen=True, slots=True)
class _Recording:
    shots: tuple[Shot, ...]
    seconds: float
    """How long it lasted."""
    is_cut_short: bool


def _of_host(sought: Sought, tell: Tell, stop: Stop) -> _Recording:
    from workbench.collect.live import SECTIONS, LiveSource
    from workbench.operation.journal import unfinished

    seconds = sought.seconds
    shots: list[Shot] = []
    events: list[Event] | Gap | None = None
    gaps: tuple[Gap, ...] = ()
    is_cut_short = False
    with contextlib.ExitStack() as stack:
        source = LiveSource(SECTIONS, trees=sought.pids, criu=_criu, unfinished=unfinished)
        stack.callback(source.close)
        if seconds > 0:
            from workbench.collect.events.reader import EventReader

            reader = stack.enter_context(EventReader())
            events, gaps = reader.refused or [], reader.gaps
        tell("looking at the host")
        began = time.monotonic()
        shots.append(_shot(source.evidence(), sought.pids, "0 s" if seconds else "now"))
        while (passed := time.monotonic() - began) < seconds:
            if is_cut_short := stop(min(1.0, seconds - passed)):
                tell(f"interrupted after {time.monotonic() - began:.0f} s; what was recorded goes into the bundle")
                break
            title = f"{time.monotonic() - began:.0f} s"
            tell(f"recording, {title} of {seconds:.0f} s")
            shots.append(_shot(source.evidence(), sought.pids, title))
        lasted = time.monotonic() - began
        if isinstance(events, list):
            events += reader.take(0.2)
    if events is not None:
        found = events if isinstance(events, Gap) else tuple(events)
        shots = [replace(shot, evidence=_with_events(shot.evidence, found, gaps)) for shot in shots]
    return _Recording(tuple(shots), min(lasted, seconds), is_cut_short)


def _with_events(evidence: Evidence, events: tuple[Event, ...] | Gap, gaps: tuple[Gap, ...]) -> Evidence:
    return replace(evidence, events=events, partial=(*evidence.partial, *gaps))


def _shot(evidence: Evidence, pids: Sequence[int], title: str) -> Shot:
    evidence = with_images_of_locks(evidence)
    if pids and not isinstance(evidence.processes, Gap):
        from workbench.collect.processes import tree

        family = tree(evidence.processes, pids)
        if not family:
            raise WorkbenchError(f"there is no process {pids[0]}", "`workbench processes` lists them")
        first = evidence.processes[family[0]]
        more = f" and {len(family) - 1} more" if len(family) > 1 else ""
        target = Target("dump", f"process {first.pid}{more}", frozenset(family))
        evidence = replace(evidence, target=target)
    return Shot(title, evidence)


def _criu() -> CriuTool | None:
    from workbench.criu.find import find_criu

    found = find_criu()
    return found if isinstance(found, CriuTool) else None
