"""What a file or directory is, by what stands in it; its name does not count."""

import os
import re
import stat
from enum import Enum
from io import BytesIO
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.read.bundle_archive import LOCAL_MARK
from workbench.read.byte_stream import GZIP, ZSTD
from workbench.read.crit_json import is_crit_json
from workbench.read.marks import is_conntrack_line, is_ss_line, is_state
from workbench.read.nft_json import is_nft_json
from workbench.read.text_lines import first_lines

CHECKPOINT = "checkpoint"
"""The directory of CRIU's images within what a container engine writes."""
HEAD = 64 * 1024
"""Bytes that are looked at."""


class Kind(Enum):
    """What can be judged."""

    IMAGES = "an image directory"
    ARCHIVE = "a checkpoint archive"
    CONTAINER = "a container's checkpoint that lies unpacked"
    SOCKETS = "the output of ss"
    CONNTRACK = "the output of conntrack -L"
    CRIT = "an image in crit's JSON"
    NFT_JSON = "the output of nft -j list ruleset"
    CAPTURE = "a packet capture"
    BUNDLE = "a bundle of the workbench"
    STATE = "the state of a connection"
    EVENTS = "recorded events"
    TEXT = "text"
    """A log, the console output of an engine, a list of rules, or several of them one after the other."""


_MAGIC = (
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"\x16\x31\x31\x58", "one image of CRIU's"),  # IMG_COMMON_MAGIC of the inventory, criu/include/magic.h
    (b"\x19\x43\x56\x54", "one image of CRIU's"),
    (b"\x40\x59\x10\x55", "one image of CRIU's"),
)
_CAPTURES = (
    b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a",
)  # fmt: skip
"""pcap of either byte order with microseconds and nanoseconds, and pcapng."""
_UNPACK = "unpack it first; archives of containers are read as tar, tar.gz and tar.zst"
_ADVICE = {
    "one image of CRIU's": "name the directory that it lies in",
    "a bzip2 archive": _UNPACK,
    "an xz archive": _UNPACK,
    "text in UTF-16": "convert it first: iconv -f UTF-16 -t UTF-8",
}
_EVENTS = re.compile(
    rb'\{"kind": "[a-z-]+", "at_ns": \d|\{\n "schema": \d+,\n "evidence": .*?\n "events": \[', re.DOTALL
)
"""What `workbench events` writes, as lines and as one document."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # ESC stays: consoles are recorded with their colours
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # as surrogateescape keeps such bytes; a line in Latin-1 has a few
_MOST_CONTROL, _MOST_FOREIGN = 0.1, 0.3
"""Share of control characters, and of these and of bytes that are no UTF-8, from which on it is no text."""


def recognise(path: str | Path) -> Kind:
    """Say what lies at ``path``; WorkbenchError, one sentence, for what cannot be read or judged."""
    shown = os.fspath(path)
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            return _directory(Path(path))
        if not stat.S_ISREG(mode):  # opening a pipe that nobody writes to would wait for ever
            raise WorkbenchError(f"{shown} is no regular file", "save what it gives into a file first")
        with Path(path).open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError as error:
        raise WorkbenchError(f"There is no file or directory {shown}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        hint = "run the workbench as root" if isinstance(error, PermissionError) else ""
        raise WorkbenchError(f"{shown} cannot be read: {reason}", hint) from error
    if not head:
        raise WorkbenchError(f"{shown} is empty", "a run that printed nothing leaves nothing to judge")
    if head.startswith((GZIP, ZSTD)) or head[257:262] == b"ustar":
        return Kind.ARCHIVE
    if head.startswith(LOCAL_MARK):
        return Kind.BUNDLE
    if is_state(head):
        return Kind.STATE
    if head.startswith(_CAPTURES):
        return Kind.CAPTURE
    kind = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if kind is None and _is_rubbish(head):
        kind = "neither text nor anything known"
    if kind is not None:
        raise WorkbenchError(f"{shown} cannot be judged: it is {kind}", _ADVICE.get(kind, ""))
    return _of_text(head)


def _is_rubbish(head: bytes) -> bool:
    control = len(_CONTROL.findall(head))
    foreign = len(_NOT_UTF8.findall(head.decode("utf-8", "surrogateescape")))
    return control > len(head) * _MOST_CONTROL or control + foreign > len(head) * _MOST_FOREIGN


def is_bundle(path: str | Path) -> bool:
    """Whether a regular file begins as a bundle does; what cannot be read does not."""
    try:
        with Path(path).open("rb") if Path(path).is_file() else BytesIO() as file:
            return file.read(len(LOCAL_MARK)) == LOCAL_MARK
    except (OSError, ValueError):
        return False


def _of_text(head: bytes) -> Kind:
    """By the first line that is not empty; whatever stands further down is looked for when the text is read."""
    if is_crit_json(head):
        return Kind.CRIT
    if _EVENTS.match(head):
        return Kind.EVENTS
    text = head.decode("utf-8", "replace")
    if is_nft_json(text):
        return Kind.NFT_JSON
    first = next((line for line in first_lines(text) if line.strip() and not line.startswith("<?xml")), "")
    if is_ss_line(first):
        return Kind.SOCKETS
    return Kind.CONNTRACK if is_conntrack_line(first) else Kind.TEXT


def _directory(path: Path) -> Kind:
    names = sorted(os.listdir(path))  # noqa: PTH208 - names are all that is needed
    if any(name.endswith(".img") for name in names):
        return Kind.IMAGES
    inner = path / CHECKPOINT
    if "config.dump" in names or (inner.is_dir() and any(name.endswith(".img") for name in os.listdir(inner))):  # noqa: PTH208
        return Kind.CONTAINER
    if any(_is_crit_file(path / name) for name in names if name.endswith(".json")):
        return Kind.CRIT
    raise WorkbenchError(f"{path} is a directory without images of CRIU's", "name an image directory or a file")


def _is_crit_file(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_crit_json(file.read(200))
