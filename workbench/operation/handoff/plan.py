"""What a hand-off will do, in words, before anything is touched."""

from dataclasses import dataclass

from workbench.evidence import Connection, Holder, NetworkNamespace, TcpState
from workbench.evidence.state import State
from workbench.operation.migration.addresses import MovingAddress

OLD_OWNER_SEES = (
    "finds its descriptor at the end of the stream: reads give 0 bytes, writes fail with EPIPE (SIGPIPE); the peer"
    " notices nothing"
)


@dataclass(frozen=True, slots=True)
class HandoffRequest:
    """Which connection, and where to; either a process and its descriptor, a connection, or a file."""

    pid: int = 0
    fd: int = -1
    connection: Connection | None = None
    """From either end."""
    state_file: str = ""
    """A connection that an earlier hand-off took out and left in this file."""
    to: str = ""
    """Unix socket at which the recipient waits."""
    command: tuple[str, ...] = ()
    """A program to start for it; without both the connection is left in ``keep``, locked."""
    netns: str | None = None
    """Name or path of the network namespace that it goes to; None: the one that it is in."""
    move_address: bool = False
    """Its address goes along to the other namespace, if it is not there."""
    keep: str = ""
    """File that the state stays in; empty: one in the state directory, removed when all went well."""


@dataclass(frozen=True, slots=True)
class HandoffPlan:
    """A hand-off in full; nothing has been done yet."""

    request: HandoffRequest
    title: str
    connection: Connection | None = None
    state: TcpState | None = None
    holders: tuple[Holder, ...] = ()
    """All that have it open: stopped for the moment, and without it afterwards."""
    inode: int = 0
    netns: NetworkNamespace | None = None
    """Where it is now; None if that is gone."""
    target: NetworkNamespace | None = None
    """Where it goes to."""
    leaves: MovingAddress | None = None
    """The address that is taken from its interface; None if none moves."""
    arrives: MovingAddress | None = None
    """The same as it is given to one in the other namespace."""
    saved: State | None = None
    """What the file of the request holds."""
    lock: str = ""
    """Table that has held back a connection from a file since it was taken out; empty if a new one is made."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    """Why it cannot be done; not empty = it is refused. Each with a way out."""

    @property
    def confirmation(self) -> str:
        """What a person types to confirm: the pid, or the word where there is none."""
        return str(self.holders[0].pid) if self.holders else "restore"

    @property
    def moves(self) -> bool:
        """It goes to another network namespace."""
        return self.netns is not None and self.target is not None and self.netns.inode != self.target.inode
