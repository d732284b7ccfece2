"""The plan of an operation: all that will happen, in the words of the field, before anything does."""

from dataclasses import dataclass, field

from workbench.evidence import Connection, ImageDirectory, Socket
from workbench.operation.container import RuncContainer
from workbench.operation.policies import Advice, Closing
from workbench.operation.request import DumpRequest, RestoreRequest


@dataclass(frozen=True, slots=True)
class SocketFate:
    """What will become of one socket."""

    socket: Socket | None
    """None for sockets that are no TCP sockets, or that come from an image."""
    title: str
    """``10.0.0.2:7022 -> 10.0.0.1:56692 ESTABLISHED``; printable."""
    fate: str
    """One sentence: kept, closed, restored listening, lost, or what CRIU will refuse."""
    blocks: bool = False
    """CRIU will refuse the whole operation because of it."""
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A dump or a restore in full; nothing has been done yet."""

    kind: str
    """``dump`` or ``restore``."""
    request: DumpRequest | RestoreRequest
    title: str
    """``Dump server 4645: 3 connections kept, nftables lock``; printable."""
    processes: tuple[str, ...]
    """One line a process of the tree; printable."""
    sockets: tuple[SocketFate, ...]
    connections: tuple[Connection, ...]
    """Those that stay alive, seen from the dumped end."""
    command: tuple[str, ...]
    """What does it when typed, argument by argument: ``criu``, or the workbench for what needs more than CRIU. Empty if
    there is nothing to plan for."""
    undo: str
    """How to undo, one sentence."""
    space_bytes: int
    """Needed on the image directory's file system (dump); size of the images (restore)."""
    space_free_bytes: int | None
    lock_cost_ms: float | None
    """Expected time for setting and lifting the lock, from measurements; None for no lock."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    """Why it cannot be done; not empty = the executor refuses. Each with a way out."""
    options: dict[str, object] = field(default_factory=dict)
    """Fields of ``criu_opts`` by name, beyond directory and log."""
    netns: int = 0
    """Inode of the network namespace in which CRIU will run."""
    netns_path: str = ""
    root_pid: int = 0
    start_time: int = 0
    """Identity of the root process, dump only."""
    command_name: str = ""
    image: ImageDirectory | None = None
    """Restore only."""
    advice: tuple[Advice, ...] = ()
    """Dump only: the policy that fits each connection."""
    closings: tuple[Closing, ...] = ()
    """Dump that closes: what is lost, and what the programs will see."""
    container: RuncContainer | None = None
    """Its engine does it; None for processes of the host."""

    @property
    def confirmation(self) -> str:
        """What a person types to confirm: the pid."""
        return str(self.root_pid)
