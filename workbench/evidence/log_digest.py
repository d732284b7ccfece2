"""What a log says, whatever its size: the lines that matter, how far the run came and how it ended."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.evidence.log import LogLine, Stage


class LogKind(StrEnum):
    """Whose words they are."""

    DUMP = "dump"
    RESTORE = "restore"
    CONSOLE = "console"
    """An engine's or a shell's output, or several things together."""


class Outcome(StrEnum):
    """How the last run in the log ended, by the log's own words."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CUT = "cut"
    """CRIU's lines end without a word on the end: it was killed, is still at work, or the log is an excerpt."""
    UNKNOWN = "unknown"
    """The text is none of CRIU's whole logs."""


@dataclass(frozen=True, slots=True)
class LogDigest:
    """One log, read once from end to end in constant memory."""

    file: str
    kind: LogKind
    outcome: Outcome
    stage: Stage | None
    """The last stage that it names; None where it names none (CRIU names them at -v3 and above)."""
    criu: str | None
    """Version of CRIU as printed at -v4: ``4.2.1``."""
    kernel: str | None
    """Kernel release as printed at -v4: ``6.18.44-cloud``."""
    lines: tuple[LogLine, ...]
    """In the order of the log: first and last lines, errors and warnings, what child programs said, and the lines
    that led to each error. Of a small log nearly everything, of a big one a bounded part."""
    total_lines: int
    total_bytes: int

    @property
    def name(self) -> str:
        """The file's own name; hostile like the rest."""
        return self.file.rpartition("/")[2]

    @property
    def left_out(self) -> int:
        """Lines of the log that are not among ``lines``."""
        return self.total_lines - len(self.lines)
