"""A CRIU image directory as far as TCP is concerned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Connection, TcpState


@dataclass(frozen=True, slots=True)
class Queue:
    """Contents of one end's two queues. Payload: never leaves the host unless asked for."""

    received: bytes
    """In order, not yet read by the program."""
    sent: bytes
    """Sent and not acknowledged, followed by what was never sent."""
    unsent: int
    """How many bytes at the end of ``sent`` were never sent."""


@dataclass(frozen=True, slots=True)
class ImageSocket:
    """One TCP socket of an image directory (``inet_sk_entry`` with its ``tcp_stream_entry``)."""

    inode: int
    """At dump time; names ``tcp-stream-<hex>.img``."""
    family: int
    state: TcpState
    connection: Connection
    """Peer port 0 for sockets without a peer."""
    holders: tuple[tuple[int, int], ...]
    """(pid, fd) in the pid namespace of the dumped tree."""
    sequences: Sequences | None = None
    """Computed as in criu-tcp 4.2; None without a stream image (listening, or --tcp-close)."""
    queue: Queue | None = None
    mss_clamp: int | None = None
    snd_wscale: int | None = None
    rcv_wscale: int | None = None
    options: int | None = None
    """TCPI_OPT_* bits at dump time."""
    timestamp: int | None = None
    backlog: int | None = None
    netns_id: int | None = None
    """CRIU's own number of the namespace, not an inode."""
    socket_options: Mapping[str, int | str] = field(default_factory=dict, hash=False)
    """Saved socket options by the kernel's name (``SO_SNDBUF``, ``TCP_NODELAY``), as getsockopt(2) gives them."""
    problem: str = ""
    """Why its stream image is missing or damaged; empty if it is sound."""


@dataclass(frozen=True, slots=True)
class ImageTask:
    """One process of the dumped tree."""

    pid: int
    ppid: int
    command: str
    """comm; hostile."""
    state: int
    """1 alive, 2 dead (zombie), 3 stopped."""
    threads: int = 1


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file that a restored process opens or maps again by its path (``reg_file_entry``)."""

    path: str
    """In the mount namespace of the dumped root; hostile."""
    size: int | None = None
    """Bytes at dump time; CRIU refuses the restore if it has changed. None where CRIU does not ask."""
    mode: int | None = None
    """``st_mode`` at dump time; likewise."""


@dataclass(frozen=True, slots=True)
class DumpStats:
    """``stats-dump``: microseconds and page counts."""

    freezing_us: int
    frozen_us: int
    memdump_us: int
    memwrite_us: int
    pages_scanned: int
    pages_written: int


@dataclass(frozen=True, slots=True)
class RestoreStats:
    """``stats-restore``: microseconds."""

    restore_us: int
    forking_us: int
    pages_restored: int


@dataclass(frozen=True, slots=True)
class ImageDirectory:
    """What a directory of CRIU images says, read without a running CRIU."""

    path: str
    complete: bool
    """``inventory.img`` is there and readable: CRIU writes it last."""
    size_bytes: int
    modified: float
    """Newest image file, seconds since the epoch; 0 if nobody told, as in some archives."""
    tasks: tuple[ImageTask, ...]
    sockets: tuple[ImageSocket, ...]
    run_id: str | None = None
    """``dump_criu_run_id``; absent in images of CRIU < 4.1."""
    lock_method: str | None = None
    """``iptables``, ``nftables`` or ``skip``; absent in images of CRIU < 3.16 (then iptables)."""
    tcp_close: bool = False
    dumps_netns: bool = False
    """The network namespace is in the images: the whole namespace was locked."""
    dump_stats: DumpStats | None = None
    restore_stats: RestoreStats | None = None
    problems: tuple[str, ...] = ()
    """What is missing, truncated or does not fit; one sentence each."""
    files: tuple[ImageFile, ...] = ()
    """Without those that were deleted: their contents are in the images."""
    excerpt: bool = False
    """Only single files of the directory are at hand: what is missing tells nothing."""

    @property
    def root_pid(self) -> int | None:
        return self.tasks[0].pid if self.tasks else None
