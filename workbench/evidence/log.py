"""CRIU's log, line by line and stage by stage."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a dump or a restore stands, in the order in which CRIU passes through."""

    STARTED = "started"
    PRE_DUMP = "pre-dump"
    FROZEN = "frozen"
    LOCKING = "locking"
    SOCKETS = "sockets"
    MEMORY = "memory"
    IMAGES_COMPLETE = "images complete"
    PRE_RESTORE = "pre-restore"
    FORKED = "forked"
    RESTORING_SOCKETS = "restoring sockets"
    RESTORED = "restored"
    UNLOCKED = "unlocked"
    REPAIR_OFF = "repair off"
    RELEASED = "released"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a CRIU log (criu/log.c)."""

    number: int
    """From 1."""
    text: str
    """Without the newline; hostile."""
    seconds: float | None = None
    """Since CRIU started; None for lines without a time stamp."""
    pid: int | None = None
    """Virtual pid in the prefix, where there is one."""
    level: str = "info"
    """``error``, ``warning`` or ``info``: what the line itself says."""
    source: str | None = None
    """``criu/file.c`` of an error or warning; the line number in it differs by build and is dropped."""
    message: str = ""
    """Text without time stamp, pid and error prefix."""
    harmless: bool = False
    """Known to stand in successful runs too."""
    stage: Stage | None = None
    """The stage that this line begins, where it begins one."""
    file: str = ""
    """Path of the log that it stands in, where several may be read together."""
