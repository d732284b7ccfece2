"""CRIU's log: levels, task prefixes and the stages of a dump or a restore, line by line."""

import re
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evidence import LogLine, Stage

LINE_LIMIT = 16 * 1024
"""Bytes of a line that are kept; CRIU's own buffer for one line is 1 KiB (criu/log.c)."""

# (00.065019) net: Lock network
# (00.071267)  13130: tcp: Restoring TCP connection
# (00.099981) pie: 13130: pie: Turning repair off for 3 (reuse 0)
# pie: 13130: __fetched msg: 65 0 0
# Numbers are bounded: a run of ten thousand digits is rubbish, not a pid.
_PREFIX = re.compile(r"(?:\((?P<seconds>\d{2,9}\.\d{1,9})\) ?)?(?:(?:pie: +| *)(?P<pid>\d{1,10}): )?", re.ASCII)
# Error (criu/sk-inet.c:721): Can't bind ...    Warn  (criu/kerndat.c:659): ...    Error: Could not process rule: ...
_LEVEL = re.compile(r"(?P<level>Error|Warn) *(?:\((?P<source>[^():\s]{1,200}):\d{1,9}\))?: ")
# In a tracker, a console or an engine's output the same stands behind something else: b"(00.01) Error (criu/x.c:1): ...
_EMBEDDED = re.compile(
    r"(?:\s(?P<pid>\d{1,10}): )?(?P<level>Error|Warn) *\((?P<source>[\w./\-]{1,200}\.[ch]):\d{1,9}\): ", re.ASCII
)
_FAILED = re.compile(r"(?:Dumping|Restoring) FAILED\.")
# A journal, kubectl, a tracker or a test runner puts more in front: Jul 08 15:06:14 node criu[3]: (00.01) net: Lock
_OUTER = re.compile(r"[^\n]{1,240}?(?=\(\d{2,9}\.\d{6}\) )", re.ASCII)
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_CLOSING = "\"'`*"
"""What the quotation of a line may end with: b'(00.01) net: Lock network'."""

# Each text as CRIU 3.16 to 4.2.1 prints it at -v4; where two stand, the second is there at lower levels too.
_STAGES = (
    (Stage.STARTED, r"CRIU run id = |Version: \d"),
    (Stage.PRE_DUMP, r"Dumping processes \(pid: |Running pre-dump scripts"),
    (Stage.FROZEN, r"Collected \d+ in \d+ state"),
    (Stage.LOCKING, r"(?:net: )?Lock network"),
    (Stage.SOCKETS, r"Dumping opened files \(pid: "),
    (Stage.MEMORY, r"Dumping pages \(type: "),
    (Stage.IMAGES_COMPLETE, r"Writing image inventory|Running post-dump scripts"),
    (Stage.PRE_RESTORE, r"Dump CRIU run id = |Will restore in [0-9a-f]+ namespaces|Running pre-restore scripts"),
    (Stage.FORKED, r"Forking task with \d+ pid"),
    (Stage.RESTORING_SOCKETS, r"Opening fdinfo-s|tcp: Restoring TCP connection$"),
    (Stage.RESTORED, r"\d+: Restored$|Running post-restore scripts"),
    (Stage.UNLOCKED, r"(?:net: )?Unlock network"),
    (Stage.REPAIR_OFF, r"(?:pie: )?Turning repair off for "),
    (Stage.RELEASED, r"Unfreezing tasks into \d|Restore finished successfully|Running pre-resume scripts"),
    (Stage.DONE, r"Dumping finished successfully|Writing stats|Running post-resume scripts"),
    (Stage.FAILED, _FAILED.pattern),
)
_STAGE = re.compile("|".join(f"(?P<{stage.name}>{pattern})" for stage, pattern in _STAGES))

# Seen in successful runs. Not here: nft's "delete table" error, harmless after an early failure of a dump but
# the only trace of a lock left behind when it stands in a restore's log; one line cannot tell the two apart.
_HARMLESS = re.compile(
    r"rlimit: Can't setup RLIMIT_NOFILE for self"  # root without CAP_SYS_RESOURCE
    r"|(?:ipv4|ipv6): [Aa]ddress already assigned\."  # loopback has its address already
    r"|Will restore \d+ with interrupted system call"
    r"|Can't (?:keep kdat cache on non-tempfs|load /run/criu\.kdat)"  # first run, or /run is no tmpfs
    r"|unix: Shutdown mismatch"
    r"|Unable to detach from \d+: No such process"
    r"|Unable to get \S+ network namespace"  # kernels without the ioctl
)


def parse_line(number: int, text: str, file: str = "") -> LogLine:
    r"""Take one line apart; whatever the text, the result is a LogLine.

    ``(00.014613)   6120: Error (soccr/soccr.c:529): Can't connect inet socket back: Network is unreachable``
    gives seconds 0.014613, pid 6120, level ``error``, source ``soccr/soccr.c`` and the message after the colon.
    Source: criu/log.c:vprint_on_level, criu/pie/log-simple.c; lines of child programs (nft, iptables, ip) have
    neither time nor prefix.
    """
    text = text.rstrip("\r\n")
    own = _own(text)
    prefix = _PREFIX.match(own)
    assert prefix is not None  # every part of it is optional
    rest = own[prefix.end() :]
    mark = _LEVEL.match(rest)
    pid = prefix["pid"]
    if mark is None and " (" in rest and (mark := _EMBEDDED.search(rest)):
        pid = pid or mark["pid"]
    message = rest[mark.end() :] if mark else rest
    begins = _STAGE.match(message)
    level = {"Error": "error", "Warn": "warning"}[mark["level"]] if mark else "info"
    if begins and begins.lastgroup == Stage.FAILED.name:
        level = "error"
    return LogLine(
        number=number,
        text=text,
        seconds=float(prefix["seconds"]) if prefix["seconds"] else None,
        pid=int(pid) if pid else None,
        level=level,
        source=mark["source"] if mark else None,
        message=message,
        harmless=_HARMLESS.match(message) is not None,
        stage=Stage[begins.lastgroup] if begins and begins.lastgroup else None,
        file=file,
    )


def _own(text: str) -> str:
    """What CRIU printed of a line: without what others put around it."""
    if text.startswith("(") or "(" not in text:
        return text
    text = _COLOUR.sub("", text)
    outer = _OUTER.match(text)
    return text[outer.end() :].rstrip(_CLOSING) if outer else text


def read_log(path: str | Path) -> Iterator[LogLine]:
    """Read a log line by line in constant memory; a line longer than LINE_LIMIT is cut and ends with an ellipsis.

    Bytes that are no UTF-8 come as lone surrogates (surrogateescape). Raises WorkbenchError, at the first step,
    for a file that cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            number = 0
            while line := file.readline(LINE_LIMIT):
                number += 1
                cut = False
                more = line
                while not more.endswith(b"\n") and (more := file.readline(LINE_LIMIT)):
                    cut = cut or more != b"\n"
                text = line.decode("utf-8", "surrogateescape")
                yield parse_line(number, f"{text}…" if cut else text, str(path))
    except OSError as error:
        raise WorkbenchError(
            f"The log {path} cannot be read: {error.strerror}", "name a log file of criu, for example IMAGES/dump.log"
        ) from error
