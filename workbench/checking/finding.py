"""What a check says: a finding with its subject, its evidence and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workbench.evidence import LogLine


class Severity(StrEnum):
    """How bad it is; the same meaning in every check."""

    ERROR = "error"
    """The dump or restore failed or will fail, or a connection is or will be lost."""
    WARNING = "warning"
    """It may."""
    NOTE = "note"
    """Worth knowing, or a consequence of another finding."""


RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about."""

    kind: str
    """``host``, ``process``, ``socket``, ``lock``, ``rule``, ``netns``, ``image``, ``log``, ``operation``."""
    title: str
    """As a person would name it: ``10.0.0.2:7022 -> 10.0.0.1:56692``; hostile."""
    keys: Mapping[str, object] = field(default_factory=dict)
    """What identifies it to a program: pid, cookie, inode, netns, path, ..."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of evidence as it stands in its source."""

    source: str
    """A path, or the section of the live host (``sockets``, ``rules``)."""
    text: str
    """Hostile."""
    line: int | None = None
    """From 1, for files."""

    @classmethod
    def of(cls, line: LogLine) -> "Quote":
        """A line of a log."""
        return cls(line.file, line.text, line.number)


@dataclass(frozen=True, slots=True)
class Fix:
    """One way out."""

    text: str
    """What to do, one sentence; begins with a verb."""
    command: tuple[str, ...] = ()
    """The command argument by argument, where it can be done by one."""
    safe: bool = False
    """It changes nothing that is in use: it may be run without thinking."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check yields; the engine adds the check's code and name and makes a Finding of it."""

    severity: Severity
    subject: Subject
    message: str
    """One or two sentences for somebody who knows sockets, but not CRIU."""
    facts: Mapping[str, object] = field(default_factory=dict)
    quotes: tuple[Quote, ...] = ()
    fixes: tuple[Fix, ...] = ()
    follows: tuple[str, ...] = ()
    """Names of checks whose finding, if there is one on the same subject or source, explains this one."""
    weight: int = 0
    """Among findings of equal severity about one failure: the higher, the nearer to the root cause."""
    failure: str = ""
    """What failed, where only one thing can be its cause: of findings that name the same failure the first explains
    the others; empty if the finding stands for itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with the check that found it."""

    code: str
    name: str
    problem: Problem
    severity: Severity
    """The problem's own, or ``note`` if another finding explains it."""
    explained_by: str | None = None
    """Code of the finding that explains this one."""
