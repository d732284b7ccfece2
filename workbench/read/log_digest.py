"""A log of any size in one pass and in constant memory: the lines that matter, found by quick searches in bytes."""

import io
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from workbench.errors import WorkbenchError
from workbench.evidence import LogDigest, LogKind, LogLine, Outcome, Stage
from workbench.read.criu_log import parse_line
from workbench.read.log_wraps import unwrapped

BLOCK = 256 << 10
"""Bytes read at a time."""
THOROUGH = 4 << 20
"""Bytes at the beginning, and half as many at the end, in which every kind of line is looked for; in between only
errors, warnings and lines that are not CRIU's own are."""
KEPT = 3000
"""Lines kept of the beginning, and as many of the middle and of the end."""
LINE_LIMIT = 4096
"""Bytes of a line that are kept, around what was found in it; CRIU's own buffer for a line is 1 KiB (criu/log.c)."""
BEFORE = 30
"""Lines kept before each error: in them CRIU says which socket, file or mount it is about."""
EDGE = 40
"""Lines kept at the beginning and at the end."""

# bytes.find is many times faster than a regular expression with alternatives.
_ALARMS = (b"Error", b"FAILED", b"finished successfully", b"Warn")
_LED_TO = frozenset(_ALARMS[:2])
"""Alarms whose preceding lines are kept."""
# Lines of child programs (iptables, nft, ip) and of engines do not begin with a time stamp of CRIU or its parasite.
_FOREIGN = re.compile(rb"\n(?!\(\d|pie: |\n|\Z)")
_TELLING = re.compile(
    rb"ersion: \d|Running on |config file|Will (?:dump|skip|drop|restore)|collect procedure|not supported|"
    rb"etwork|Ext stream|Unsupported|io_uring|Collected \d|Dumping opened files|Forking task with|Restored$|"
    rb"Turning repair o|scripts|ERROR|Writing (?:image inventory|stats)|Unfreezing tasks|unning ip6?tables \[|"
    rb"Restoring TCP connection$|Opening fdinfo-s|No (?:reg-)?files\.img",
    re.MULTILINE,
)

_VERSION = re.compile(r"\bVersion: (\d[\w.\-]*)|\b(?i:criu)[ /-](?:version )?v?(\d\.\d+(?:\.\d+)?)\b")
_KERNEL = re.compile(
    r"Running on .{0,80}? Linux (\d\S{2,60})|\bLinux (?:\S+ )?(\d\.\d+\.\d+\S*)|^(\d\.\d+\.\d+[-.]\S+)$"
)
_SUCCESS = re.compile(r"(?:Dumping|Restore) finished successfully|^Looks good")
_FAILURE = re.compile(
    r"(?:[Dd]umping|[Rr]estoring) FAILED|(?i:criu failed|criu process exited|migration failed|snapshot dump failed|"
    r"(?:checkpoint|restor)\w* failed|failed to (?:checkpoint|restore))|OCI runtime error|Error response from daemon"
)
_ENDS = ("fail", "success", "looks good", "exited", "oci runtime", "error response")
"""In small letters; one of them is in whatever _SUCCESS or _FAILURE finds."""
_DUMP = re.compile(r"cr-dump\.c|Dumping (?:FAILED|finished|processes|opened files|TCP)|Unseizing|SEIZE|Pre-dumping")
_RESTORE = re.compile(r"cr-restore\.c|Restor(?:ing FAILED|e finished|ing TCP|e: family)|Forking task|restorer\.c")


def read_digest(path: str | Path) -> LogDigest:
    """Read a log once; of a line longer than LINE_LIMIT the part around what was found is kept.

    Bytes that are no UTF-8 come as lone surrogates (surrogateescape). Raises WorkbenchError for what cannot be read.
    """
    try:
        with Path(path).open("rb", buffering=0) as file:
            about = os.fstat(file.fileno())
            return _digest(str(path), file, about.st_size if stat.S_ISREG(about.st_mode) else 0)
    except OSError as error:
        hint = "name a log file of criu, for example IMAGES/dump.log"
        if isinstance(error, PermissionError):
            hint = "run the workbench as root"
        raise WorkbenchError(f"The log {path} cannot be read: {error.strerror}", hint) from error


def digest_of(path: str, content: bytes) -> LogDigest:
    """The same of a log that was read already; ``path`` is what it is called."""
    return _digest(path, io.BytesIO(content), len(content))


def _digest(path: str, file: BinaryIO, size: int) -> LogDigest:
    kept: list[tuple[int, bytes]] = []
    budget = {"begin": KEPT, "middle": KEPT, "end": KEPT}
    number, offset, data = 1, 0, b""
    for data in _blocks(file):
        zone = "begin" if offset < THOROUGH else "end" if offset + len(data) > size - THOROUGH // 2 else "middle"
        found = list(_pick(data, thorough=zone != "middle", first=offset == 0, enough=budget[zone]))
        kept += _lines(data, number, found)
        budget[zone] -= len(found)
        number += data.count(b"\n")
        offset += len(data)
    if data and not data.endswith(b"\n"):
        number += 1
    last = _lines(data, number - _count(data), _last(data))
    kept = sorted({**dict(last), **dict(kept)}.items())
    texts = unwrapped((item, text.decode("utf-8", "surrogateescape").rstrip("\r")) for item, text in kept)
    lines = tuple(parse_line(item, text, path) for item, text in texts)
    return _judged(path, lines, number - 1, offset)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """The file in pieces of about BLOCK bytes that end where a line ends; a longer line comes in several."""
    rest = b""
    while piece := file.read(BLOCK):
        end = piece.rfind(b"\n") + 1
        if end or len(rest) > BLOCK:
            yield rest + piece[:end] if end else rest + piece
            rest = piece[end:] if end else b""
        else:
            rest += piece
    if rest:
        yield rest


def _pick(data: bytes, *, thorough: bool, first: bool, enough: int) -> Iterable[int]:
    """Where in the block something begins that is worth keeping: places in lines, at most about ``enough``."""
    places: set[int] = set()
    for needle in _ALARMS:
        position = data.find(needle)
        while position >= 0 and len(places) < enough:
            places.add(position)
            if needle in _LED_TO:
                places.update(_before(data, position, BEFORE))
            end = data.find(b"\n", position)
            position = data.find(needle, end) if end >= 0 else -1
    for pattern in (_FOREIGN, _TELLING) if thorough else (_FOREIGN,):
        if len(places) < enough:
            for match in pattern.finditer(data):
                places.add(match.end())
                if len(places) >= enough:
                    break
    if first:
        places.update(_following(data, EDGE))
    return places


def _before(data: bytes, position: int, count: int) -> Iterator[int]:
    """Beginnings of the lines before the one that the position is in."""
    end = data.rfind(b"\n", 0, position)
    for _ in range(count):
        if end < 0:
            return
        end = data.rfind(b"\n", 0, end)
        yield end + 1


def _following(data: bytes, count: int) -> Iterator[int]:
    position = 0
    for _ in range(count):
        yield position
        position = data.find(b"\n", position) + 1
        if not position or position >= len(data):
            return


def _last(data: bytes) -> Iterable[int]:
    return () if not data else (*_before(data, len(data) - 1, EDGE), len(data) - 1)


def _count(data: bytes) -> int:
    """Lines in a block, the last one also if it has no end."""
    return data.count(b"\n") + bool(data and not data.endswith(b"\n"))


def _lines(data: bytes, number: int, places: Iterable[int]) -> list[tuple[int, bytes]]:
    """The lines that the places are in, each once, with their numbers; ``number`` is that of the block's first line."""
    result: list[tuple[int, bytes]] = []
    begin = 0
    for place in sorted(places):
        start = data.rfind(b"\n", 0, place) + 1
        number += data.count(b"\n", begin, start)
        begin = start
        if result and result[-1][0] == number:
            if place - start < LINE_LIMIT or len(result[-1][1]) >= LINE_LIMIT * 2:
                continue
            result[-1] = (number, result[-1][1] + b" " + _cut(data, start, place))
        else:
            result.append((number, _cut(data, start, place)))
    return result


def _cut(data: bytes, start: int, place: int) -> bytes:
    end = data.find(b"\n", start)
    end = len(data) if end < 0 else end
    if end - start <= LINE_LIMIT:
        return data[start:end]
    start = max(start, place - LINE_LIMIT // 4)
    return data[start : min(end, start + LINE_LIMIT)] + "…".encode()


def _judged(path: str, lines: tuple[LogLine, ...], total: int, size: int) -> LogDigest:
    texts = [line.text for line in lines]
    ours = sum(line.seconds is not None for line in lines)
    endings = (text for text in reversed(texts) if _may_end(text))
    end = next((text for text in endings if _SUCCESS.search(text) or _FAILURE.search(text)), None)
    if end is not None:
        outcome = Outcome.SUCCEEDED if _SUCCESS.search(end) else Outcome.FAILED
    else:
        outcome = Outcome.CUT if ours * 2 > len(lines) > 5 else Outcome.UNKNOWN
    stage = next((line.stage for line in reversed(lines) if line.stage not in (None, Stage.FAILED)), None)
    return LogDigest(
        file=path,
        kind=_kind(Path(path).name, texts),
        outcome=outcome,
        stage=stage,
        criu=_first(_VERSION, texts),
        kernel=_first(_KERNEL, texts),
        lines=lines,
        total_lines=total,
        total_bytes=size,
    )


def _may_end(text: str) -> bool:
    """Whether it has a word of those that tell how a run ended: to look for words is many times faster."""
    small = text.lower()
    return any(word in small for word in _ENDS)


def _kind(name: str, texts: Iterable[str]) -> LogKind:
    """By what it says; by its name only where it says nothing."""
    text = "\n".join(texts)
    dump, restore = _DUMP.search(text), _RESTORE.search(text)
    if (dump is None) != (restore is None):
        return LogKind.DUMP if dump else LogKind.RESTORE
    if dump is None:
        return LogKind.DUMP if "dump" in name else LogKind.RESTORE if "restore" in name else LogKind.CONSOLE
    return LogKind.CONSOLE


def _first(pattern: re.Pattern[str], texts: Iterable[str]) -> str | None:
    for text in texts:
        if match := pattern.search(text):
            return next(group for group in match.groups() if group)
    return None
