"""What an operation looks like at one moment: the only thing that screens and reports get of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workbench.evidence import Connection, DumpStats, Lock, LogLine, RestoreStats, Sequences, Socket
from workbench.evidence.outlook.limits import UNREAD, TcpLimits
from workbench.operation.plan import Plan
from workbench.operation.request import Hold


class Outcome(StrEnum):
    """How an operation ended."""

    SUCCEEDED = "succeeded"
    """CRIU succeeded and every connection is proved to go on (or there was none)."""
    DOUBTFUL = "doubtful"
    """CRIU succeeded, but a connection is not proved to go on; the proof says which and why."""
    TURNED_BACK = "turned back"
    """Undone on request: everything is as it was before."""
    FAILED = "failed"
    """CRIU failed; ``Progress.error`` says why and what stands on the host now."""


class StepState(StrEnum):
    TODO = "todo"
    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the operation as a person sees it."""

    name: str
    """``plan``, ``locked``, ``frozen``, ``images``, ``killed``, ``restored``, ``unlocked``, ``released`` ..."""
    state: StepState
    milliseconds: float | None = None
    """How long it took; None until it is done."""


class Verdict(StrEnum):
    """What became of one connection; the words of ``lab run --format json``."""

    CONTINUED = "continued"
    RESET = "reset"
    SILENT = "silent"
    LOCKED = "locked"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence before and after compared for one connection."""

    connection: Connection
    verdict: Verdict
    sentence: str
    """Why, in one sentence; for ``silent`` with the time at which the next retransmission is due."""
    facts: Mapping[str, object]
    """``state``, ``snd_una``, ``rcv_nxt``, ``queue_bytes`` ... each with before and after."""
    bytes_checked: int = 0
    """Bytes of queue contents that were compared one by one."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A connection that the operation closed."""

    connection: Connection
    foretold: str
    """What its peer was to see: ``ECONNRESET`` or ``EOF``."""
    seen: str
    """What it has seen, likewise, or ``nothing`` yet; empty: it is not on this host."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection at one moment."""

    socket: Socket | None
    """None: no such socket now."""
    sequences: Sequences | None = None
    limits: TcpLimits = UNREAD
    """What its network namespace prescribes for how long it waits."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A connection of the operation: before, now, and its peer when it is on this host."""

    connection: Connection
    before: End
    now: End
    peer: End | None = None
    """None: the peer is not on this host."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Images on their way to another host, and what that says."""

    to: str
    """Printable."""
    images: int = 0
    """Sent whole."""
    bytes_sent: int = 0
    bytes_so_far: int = 0
    """About what has left until now, beginnings of images included."""
    bytes_ahead: int = 0
    """Of these, sent while CRIU still wrote."""
    times_ms: Mapping[str, float] = field(default_factory=dict)
    """Parts that are done, in their order."""
    there: Mapping[str, object] | None = None
    """The outcome at the destination, as its own report tells it; None until it is known."""


@dataclass(frozen=True, slots=True)
class PeerKeeping:
    """Somebody who answers the peers while their connections are locked: a process that outlives the operation."""

    pid: int = 0
    """0: nobody answers, or not yet."""
    answered: int = 0
    """Segments of peers, as last told: a second old at most."""
    ending: str = ""
    """What came of it, once it is over."""
    problem: str = ""
    """Why nobody answers; printable."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A frozen snapshot of an operation; a new one is published whenever something changed."""

    plan: Plan
    elapsed_ms: float
    steps: tuple[Step, ...]
    held: Hold | None = None
    """Waiting for ``proceed()`` or ``turn_back()``."""
    can_turn_back: bool = True
    locks: tuple[Lock, ...] = ()
    watched: tuple[Watched, ...] = ()
    unwatched: bool = False
    """Locks and connections are those of a while ago: while their peers wait nobody takes the time to look."""
    log: tuple[LogLine, ...] = ()
    outcome: Outcome | None = None
    """None while it runs."""
    error: str = ""
    """One sentence of cause, one of the way out; printable."""
    proofs: tuple[Proof, ...] = ()
    closed: tuple[Closed, ...] = ()
    """Of a dump that closes its connections, once it has."""
    dump_stats: DumpStats | None = None
    restore_stats: RestoreStats | None = None
    lock_ms: float | None = None
    """What of the frozen time was the lock, from the log's time stamps."""
    restored_pid: int | None = None
    images: str = ""
    transfer: Transfer | None = None
    """Migration only."""
    keeping: PeerKeeping | None = None
    """None: it was not asked for, and nobody answers for these images."""
