"""Causes read from logs: what CRIU prints, as data, and what it means given all that the log says besides.

A cause is a set of signs. A sign is a piece of text that a line must contain, with conditions on the rest of the log:
the same words are noise in one run and the end of a connection in another. The line number in ``(criu/x.c:123)`` never
counts: it differs by build. Of several causes in one log the weightiest explains the others (Problem.failure).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import PurePath

from workbench.checking.engines import Advice, Engine, engine_of, for_users_of
from workbench.checking.finding import Problem, Quote, Severity, Subject
from workbench.evidence import LogDigest, LogKind, LogLine, Stage


class Weight(IntEnum):
    """How near to the root cause a sign leads; of equals in one log the earlier line counts."""

    REST = 0
    """No more than that something failed."""
    PLACE = 1
    """Only the part of CRIU that gave up is known."""
    HINT = 2
    """Points there as long as nothing else says more."""
    CAUSE = 3
    """CRIU says what is wrong."""
    SURE = 4
    """More is known than what CRIU noticed first."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which a cause shows in a log."""

    says: str | tuple[str, ...] = ""
    """Text that the line contains, as CRIU prints it; of several, one. None: any error that is not noise."""
    form: str = ""
    """Regular expression found in the line too; its named groups become facts."""
    file: str = ""
    """Source files that print it, separated by blanks; the line must come from one of them, if it names any."""
    weight: Weight = Weight.CAUSE
    socket: str = ""
    """Regular expression found in the last line before it that describes a socket."""
    before: str = ""
    """Regular expression found in one of the few lines before it, of the same task."""
    beside: str = ""
    """Regular expression found in some line of the log."""
    without: str = ""
    """Regular expression found in no line of the log."""
    kind: LogKind | None = None
    """Only in such a log, or in one of which this is not known."""
    since_kernel: str = ""
    """Not if the log names an older kernel."""
    until_kernel: str = ""
    """Not if the log names this kernel or a newer one."""
    on_success: Severity | None = None
    """What it is worth if the run ended well after it; None: nothing."""
    severity: Severity = Severity.ERROR
    message: str = ""
    """What to say instead of the cause's own message."""
    advice: Advice = ()
    """What to do instead of what the cause advises."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a check of a log knows."""

    message: str
    """One or two sentences for somebody who knows sockets, but not CRIU."""
    signs: tuple[Sign, ...]
    advice: Advice = ()


# errno texts as glibc and as musl (Alpine) have them.
EADDRNOTAVAIL = r"(?:Cannot assign requested address|Address not available)"
EADDRINUSE = r"(?i:Address (?:already )?in use)"
EPERM = r"(?:Operation not permitted|Permission denied)"
EBUSY = r"(?:Device or resource busy|Resource busy)"

NOISE = re.compile(
    r"exited, status=|killed by signal (?:9|19)\b|exited with|Unable to open fd=|(?:Dumping|Restoring) FAILED|"
    r"Dump files \(pid|rlimi[tr]: Can't setup RLIMIT_NOFILE|already assigned|with interrupted system call|criu\.kdat|"
    r"kdat cache|Unable to get \S+ network namespace|NSID isn't|Unable to detach from|Can't cure|"
    r"trying to skip|recv req error|turn off repair mode on socket|Lazy pages are not|"
    r"Failed to launch cuda-checkpoint|not fatal|Unable to open a socket file|"
    r"ERROR -2 reported|-2 reported by netlink|Diag module missing|PROBE RECEIVED|Shutdown mismatch|early log|"
    r"Can't remove the directory|Can't remove tmp|Killing processes because|status: 0x|Can't wait or bad status|"
    r"Failed to switch restore stage|Can't create net_ns|with parasite|failed with -?\d+$|"
    r"Unable create a network namespace|Failed to open parent directory|Write \d+ to /proc/self/loginuid|"
    r"Unable to create a veth pair|reported by netlink: Operation not supported|Can't send request message|"
    r"Unable to create the \S+ file system|Can't stat /no-such-path|PAGE_IS_GUARD|"
    r"- XFail \["
)
"""Errors and warnings of successful runs, and what CRIU says because of an earlier error: no sign by themselves."""

_SOCKET = re.compile(
    r"(?:Dumping|Restore): .{0,40}?family +(?P<family>\S+).{0,60}?port +(?P<port>\d+)"
    r" +state +(?P<state>\S+)(?: +src_addr +(?P<address>[0-9a-fA-F.:]+))?"
)
_AT_FD = re.compile(r"(?:Dumping inet socket at|Unable to open fd=|for fd=|Going to dump fd) ?(?P<fd>\d+)")
_OF_SOCKETS = re.compile(r"sk-|soccr|sockets|inet\b|\btcp:|TCP")
_PID_AT_END = re.compile(r"\(pid: (\d+)\)")
_SUCCESS = re.compile(r"(?:Dumping|Restore) finished successfully")
_PROBED = re.compile(r"^Looks good")
_NEAR = 12
"""Lines before a sign in which Sign.before is looked for."""


def problems(cause: Cause, logs: Iterable[LogDigest]) -> Iterator[Problem]:
    """The cause in each log that shows it, with what the log tells of process, descriptor and socket."""
    for log in logs:
        hits = _hits(cause, log)
        if hits:
            yield _problem(cause, log, *max(hits, key=lambda hit: (hit[0].weight, -hit[1])))


def _hits(cause: Cause, log: LogDigest) -> list[tuple[Sign, int]]:
    """Signs whose conditions all hold, each with the place of its first line among the log's lines."""
    whole = _whole(_Same(log))
    found: list[tuple[Sign, int]] = []
    for sign in cause.signs:
        words = (sign.says,) if isinstance(sign.says, str) else sign.says
        if not any(word in whole.text for word in words) or not _suits(sign, log, whole.text):
            continue
        ended_well = whole.probed_well if sign.weight <= Weight.HINT else whole.ended_well
        for index in range(len(log.lines)) if sign.says else whole.errors:
            line = log.lines[index]
            if sign.on_success is None and index < ended_well:
                continue
            if any(word in line.text for word in words) and _matches(sign, log, index, line):
                found.append((sign, index))
                break
    return found


@dataclass(frozen=True, slots=True)
class _Whole:
    """What every cause asks of a log."""

    text: str
    errors: tuple[int, ...]
    """Places of the lines that are errors by CRIU's own words."""
    ended_well: int
    """Place of the last line that tells of a run that succeeded; -1 if none does."""
    probed_well: int
    """The same of a run or of a probe."""


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A log by its identity: to compare two, thousands of lines would be read."""

    log: LogDigest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.log is self.log

    def __hash__(self) -> int:
        return id(self.log)


@lru_cache(maxsize=4)
def _whole(same: _Same) -> _Whole:
    lines = same.log.lines
    ended_well = _last(lines, _SUCCESS)
    return _Whole(
        "\n".join(line.text for line in lines),
        tuple(index for index, line in enumerate(lines) if line.level == "error"),
        ended_well,
        max(ended_well, _last(lines, _PROBED)),
    )


@lru_cache(maxsize=4)
def _engine(same: _Same) -> Engine:
    return engine_of(_whole(same).text)


def _last(lines: Sequence[LogLine], pattern: re.Pattern[str]) -> int:
    """Place of the last line that says it; -1 if none does."""
    return max((index for index, line in enumerate(lines) if pattern.search(line.message)), default=-1)


def _suits(sign: Sign, log: LogDigest, text: str) -> bool:
    """Whether the log as a whole is one in which the sign counts."""
    if sign.kind is not None and log.kind not in (sign.kind, LogKind.CONSOLE):
        return False
    kernel = _version(log.kernel or "")
    if kernel and sign.since_kernel and kernel < _version(sign.since_kernel):
        return False
    if kernel and sign.until_kernel and kernel >= _version(sign.until_kernel):
        return False
    if sign.beside and not re.search(sign.beside, text, re.MULTILINE):
        return False
    return not (sign.without and re.search(sign.without, text, re.MULTILINE))


def _matches(sign: Sign, log: LogDigest, index: int, line: LogLine) -> bool:
    """Whether one line of the log is the sign's."""
    if not sign.says and (line.level != "error" or line.harmless or NOISE.search(line.message)):
        return False
    if sign.file and (line.source or not sign.says) and PurePath(line.source or "").name not in sign.file.split():
        return False
    if sign.form and not re.search(sign.form, line.text):
        return False
    if sign.socket:
        told = _socket_line(log, index)
        if told is None or not re.search(sign.socket, told.text):
            return False
    if sign.before:
        near = (item for item in log.lines[max(0, index - _NEAR) : index] if line.pid in (item.pid, None))
        if not any(re.search(sign.before, item.text) for item in near):
            return False
    return True


def _socket_line(log: LogDigest, index: int) -> LogLine | None:
    """The last line before a place that describes the socket which the same task was at."""
    pid = log.lines[index].pid
    for line in reversed(log.lines[max(0, index - 40) : index]):
        if line.pid == pid and "state" in line.text and _SOCKET.search(line.text):
            return line
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _problem(cause: Cause, log: LogDigest, sign: Sign, index: int) -> Problem:
    line = log.lines[index]
    ended_well = any(_SUCCESS.search(item.message) for item in log.lines[index:])
    severity = sign.on_success if ended_well and sign.on_success is not None else sign.severity
    engine = _engine(_Same(log))
    socket = _socket_line(log, index) if sign.socket or _OF_SOCKETS.search(line.text) else None
    facts = _facts(log, index, socket, sign)
    quoted = [item for item in (socket, line) if item is not None]
    place = _place(facts)
    return Problem(
        severity,
        Subject("log", log.name, {"path": log.file}),
        (sign.message or cause.message) + (f" ({place})" if place else ""),
        facts={**facts, "engine": str(engine), "outcome": str(log.outcome)},
        quotes=tuple(Quote.of(item) for item in quoted),
        fixes=for_users_of(engine, sign.advice or cause.advice),
        weight=int(sign.weight) * 1_000_000 - index,
        failure=log.file,
    )


def _facts(log: LogDigest, index: int, socket: LogLine | None, sign: Sign) -> dict[str, object]:
    line = log.lines[index]
    facts: dict[str, object] = {}
    if sign.form and (match := re.search(sign.form, line.text)):
        facts.update({key: value for key, value in match.groupdict().items() if value is not None})
    after = log.lines[index : index + 6]
    pid = line.pid or next((int(m[1]) for item in after if (m := _PID_AT_END.search(item.text))), None)
    if pid is not None:
        facts.setdefault("pid", pid)
    around = (*after, *(reversed(log.lines[max(0, index - 10) : index]) if socket is not None else ()))
    if fd := next((m["fd"] for item in around if item.pid == line.pid and (m := _AT_FD.search(item.text))), None):
        facts.setdefault("fd", int(fd))
    if socket is not None and (match := _SOCKET.search(socket.text)):
        facts.update({key: value for key, value in match.groupdict().items() if value is not None})
    # Of a dump that fails the unlock and the release are no progress, but what follows from the failure.
    undone = (None, Stage.FAILED, *((Stage.UNLOCKED, Stage.RELEASED) if log.kind is LogKind.DUMP else ()))
    stage = next((item.stage for item in reversed(log.lines[: index + 1]) if item.stage not in undone), None)
    if stage is not None:
        facts["stage"] = str(stage)
    facts.update({key: value for key, value in (("criu", log.criu), ("kernel", log.kernel)) if value is not None})
    return facts


def _place(facts: Mapping[str, object]) -> str:
    """Where in the process tree it happened, in words."""
    address, port = facts.get("address"), facts.get("port")
    shown = f"[{address}]" if ":" in str(address) else address
    parts = (
        f"process {facts['pid']}" if "pid" in facts else "",
        f"descriptor {facts['fd']}" if "fd" in facts else "",
        f"local address {shown}:{port}" if address and port else "",
    )
    return ", ".join(part for part in parts if part)
