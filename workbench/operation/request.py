"""What a person asks for; a plan is made of it and of evidence."""

from dataclasses import dataclass
from enum import StrEnum

from workbench.operation.container import RuncContainer


class LockMethod(StrEnum):
    """``criu --network-lock``."""

    NFTABLES = "nftables"
    IPTABLES = "iptables"
    SKIP = "skip"


class Policy(StrEnum):
    """What becomes of connected sockets."""

    KEEP = "keep"
    """``--tcp-established``."""
    CLOSE = "close"
    """``--tcp-close``."""


class Hold(StrEnum):
    """Points at which CRIU waits for an answer, and at which one can still turn back."""

    FROZEN = "frozen"
    """Dump: all tasks stopped, no connection locked yet (RPC notification ``query-ext-files``)."""
    IMAGES_COMPLETE = "images-complete"
    """Dump: connections locked, images written, tasks neither killed nor resumed (``post-dump``)."""
    RESTORED = "restored"
    """Restore: tasks restored and blocked, connections still locked (``post-restore``)."""


@dataclass(frozen=True, slots=True)
class DumpRequest:
    pid: int
    images: str
    """Image directory; made if it does not exist, must be empty if it does."""
    lock: LockMethod = LockMethod.NFTABLES
    policy: Policy = Policy.KEEP
    leave_running: bool = False
    holds: frozenset[Hold] = frozenset()
    file_locks: bool | None = None
    """None: as the plan finds necessary. Likewise the following."""
    shell_job: bool | None = None
    ext_unix_sk: bool | None = None
    skip_in_flight: bool = False
    keep_peer: bool = False
    """The peers are answered from the moment the images are complete until the restore (``workbench keeper``)."""
    container: RuncContainer | None = None
    """The container whose first process it is: its engine dumps it, at our word."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    images: str
    policy: Policy | None = None
    """None: as it was dumped."""
    holds: frozenset[Hold] = frozenset()
    netns: str | None = None
    """Path of the network namespace; None: the one it was dumped in, as the journal knows, else ours."""
    keep_peer: bool = False
    """The peers are answered until their connections are unlocked, if nobody does that already."""


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Which process, and to which of its generations."""

    pid: int
    number: int | None = None
    """None: the newest."""
    policy: Policy = Policy.KEEP
    """KEEP: connections inside the tree come back as they were. CLOSE: none does. Those that lead out are reset."""
