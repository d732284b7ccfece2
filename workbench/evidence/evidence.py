"""The only thing that passes upward: all that is known at one moment, live or recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from workbench.evidence.gap import Gap

if TYPE_CHECKING:
    from workbench.evidence.borrowed import BorrowedSocket
    from workbench.evidence.checkpoint import ContainerCheckpoint
    from workbench.evidence.event import Event
    from workbench.evidence.file_status import FileStatus
    from workbench.evidence.host import Host, Sysctl
    from workbench.evidence.image import ImageDirectory
    from workbench.evidence.log import LogLine
    from workbench.evidence.log_digest import LogDigest
    from workbench.evidence.netfilter import Lock, Rule
    from workbench.evidence.network import ConntrackEntry, Network, NetworkNamespace
    from workbench.evidence.packet import Capture
    from workbench.evidence.process import Descriptor, Process
    from workbench.evidence.sequences import Sequences
    from workbench.evidence.socket import Socket
    from workbench.evidence.target import Target
    from workbench.evidence.unfinished import UnfinishedOperation


def not_collected(section: str) -> Gap:
    """The gap of a section that nobody asked for."""
    return Gap(section, "not part of this evidence")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known at one moment; each section is a value or a Gap, never an exception.

    A section that is a value may still be incomplete (one namespace could not be entered): then
    ``partial`` says so. Compare by identity: two moments are never equal.
    """

    taken: float
    """Wall clock, seconds since the epoch."""
    monotonic_ns: int
    """CLOCK_MONOTONIC when collection began; comparable with tracefs' ``mono`` clock."""
    sources: tuple[str, ...]
    """``live``, or the paths it was read from."""
    host: "Host | Gap" = field(default_factory=lambda: not_collected("host"))
    sysctls: "tuple[Sysctl, ...] | Gap" = field(default_factory=lambda: not_collected("sysctls"))
    namespaces: "tuple[NetworkNamespace, ...] | Gap" = field(default_factory=lambda: not_collected("namespaces"))
    processes: "Mapping[int, Process] | Gap" = field(default_factory=lambda: not_collected("processes"))
    """By pid."""
    descriptors: "tuple[Descriptor, ...] | Gap" = field(default_factory=lambda: not_collected("descriptors"))
    """Of the processes that were asked for."""
    borrowed: "Mapping[int, BorrowedSocket] | Gap" = field(default_factory=lambda: not_collected("borrowed"))
    """Their sockets asked one by one, by inode."""
    sockets: "Sequence[Socket] | Gap" = field(default_factory=lambda: not_collected("sockets"))
    sequences: "Mapping[int, Sequences] | Gap" = field(default_factory=lambda: not_collected("sequences"))
    """By socket cookie."""
    rules: "tuple[Rule, ...] | Gap" = field(default_factory=lambda: not_collected("rules"))
    locks: "tuple[Lock, ...] | Gap" = field(default_factory=lambda: not_collected("locks"))
    network: "Network | Gap" = field(default_factory=lambda: not_collected("network"))
    conntrack: "tuple[ConntrackEntry, ...] | Gap" = field(default_factory=lambda: not_collected("conntrack"))
    images: "tuple[ImageDirectory, ...] | Gap" = field(default_factory=lambda: not_collected("images"))
    checkpoints: "tuple[ContainerCheckpoint, ...] | Gap" = field(default_factory=lambda: not_collected("checkpoints"))
    """Of container engines; CRIU's part of each stands in ``images``."""
    files: "Mapping[str, FileStatus] | Gap" = field(default_factory=lambda: not_collected("files"))
    """Of this host, by path: those that the images need."""
    log: "tuple[LogLine, ...] | Gap" = field(default_factory=lambda: not_collected("log"))
    logs: "tuple[LogDigest, ...] | Gap" = field(default_factory=lambda: not_collected("logs"))
    """What each log says, one after the other; ``log`` has the lines that they kept."""
    unfinished: "tuple[UnfinishedOperation, ...] | Gap" = field(default_factory=lambda: not_collected("unfinished"))
    events: "tuple[Event, ...] | Gap" = field(default_factory=lambda: not_collected("events"))
    """What happened, in its order; ``taken`` less ``monotonic_ns`` gives the time of day. Of recordings only."""
    captures: "tuple[Capture, ...] | Gap" = field(default_factory=lambda: not_collected("captures"))
    """Packets of recordings."""
    target: "Target | Gap" = field(default_factory=lambda: not_collected("target"))
    partial: tuple[Gap, ...] = ()
    """What is missing within sections that are there."""
    redacted: bool = False
    """Addresses and names are not those of the host, but others in their place."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Every gap, whole sections first; sections that nobody asked for are left out."""
        whole = (getattr(self, item.name) for item in fields(self))
        asked = (gap for gap in whole if isinstance(gap, Gap) and gap.reason != "not part of this evidence")
        return (*asked, *self.partial)
