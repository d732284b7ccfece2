"""What each lock belongs to: its sockets and processes, its image directory, its operation, and what that means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.evidence.evidence import Evidence
from workbench.evidence.gap import Gap
from workbench.evidence.image import ImageDirectory
from workbench.evidence.lock_holder import is_working_criu, may_hold
from workbench.evidence.lock_status import Known, LockStatus, judge
from workbench.evidence.netfilter import Backend, Lock, LockScope
from workbench.evidence.process import Process
from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Connection, Endpoint, Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose
from workbench.evidence.unfinished import UnfinishedOperation

__all__ = ["LockStatus", "LockUse", "map_locks"]


@dataclass(frozen=True, slots=True)
class LockUse:
    """A lock with all that belongs to it."""

    lock: Lock
    status: LockStatus
    sentence: str
    """Why; may contain names from outside."""
    advice: str
    """What to do, one sentence; empty if nothing."""
    connections: tuple[Connection, ...]
    """Seen from the locked end, as well as it can be told; both views of a connection with both ends locked."""
    sockets: tuple[Socket, ...] = ()
    """Live sockets of the locked end; of a whole namespace all that are connected."""
    processes: tuple[Process, ...] = ()
    """That hold those sockets."""
    image: ImageDirectory | None = None
    operation: UnfinishedOperation | None = None

    @property
    def liftable(self) -> bool:
        """Whether lifting it can do no harm that is not done already."""
        return self.status in {LockStatus.LEAK, LockStatus.HALF, LockStatus.ORPHAN}


_HURT = frozenset(TcpState) - {TcpState.LISTEN, TcpState.CLOSE, TcpState.BOUND_INACTIVE, TcpState.TIME_WAIT}


def map_locks(evidence: Evidence) -> tuple[LockUse, ...]:
    """Join every lock with the rest of the evidence; empty if there are no locks or they could not be read."""
    if isinstance(evidence.locks, Gap) or not evidence.locks:
        return ()
    images = () if isinstance(evidence.images, Gap) else evidence.images
    operations = () if isinstance(evidence.unfinished, Gap) else evidence.unfinished
    processes = {} if isinstance(evidence.processes, Gap) else evidence.processes
    sequences = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    places = _places(evidence, {lock.netns for lock in evidence.locks})
    running = [process for process in processes.values() if is_working_criu(process)]
    uses = []
    for lock in evidence.locks:
        operation = _operation_of(lock, operations)
        working = (process for process in running if may_hold(process, lock, processes))
        here = places[lock.netns]
        image = _image_of(lock, images, operation, here)
        connections, sockets, doubt = _locked_ends(lock, image, here)
        known = Known(
            sockets=sockets,
            in_repair=next((each for each in sockets if _in_repair(each, sequences)), None),
            peer_may_be_dumped=doubt,
            image=image,
            operation=operation,
            criu=next(working, None),
            sockets_were_read=not isinstance(evidence.sockets, Gap),
            images_were_read=not isinstance(evidence.images, Gap),
        )
        holders = {holder.pid for socket in sockets for holder in socket.holders}
        owners = tuple(processes[pid] for pid in sorted(holders) if pid in processes)
        uses.append(LockUse(lock, *judge(lock, known), connections, sockets, owners, image, operation))
    return tuple(uses)


def _in_repair(socket: Socket, sequences: Mapping[int, Sequences]) -> bool:
    known = sequences.get(socket.cookie)
    return known is not None and known.repair is True


@dataclass(frozen=True, slots=True)
class _Here:
    """One namespace: its connected sockets by their connection as it is on the wire, and its addresses."""

    sockets: dict[Connection, Socket] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)

    def owns(self, end: Endpoint) -> bool:
        return end.address in self.addresses or end.address == "::1" or end.address.startswith("127.")

    def could_hold(self, connection: Connection) -> bool:
        return self.owns(connection.local) or not self.addresses


def _places(evidence: Evidence, wanted: set[int]) -> Mapping[int, _Here]:
    found = {netns: _Here() for netns in wanted}
    if not isinstance(evidence.sockets, Gap):
        for socket in choose(evidence.sockets, Choice(netns=wanted, states=_HURT)):
            found[socket.netns].sockets[socket.connection.unmapped] = socket
    if not isinstance(evidence.network, Gap):
        for item in evidence.network.addresses:
            if item.netns in wanted:
                found[item.netns].addresses.add(item.address)
    return found


def _same(one: Connection, other: Connection) -> bool:
    return one in {other, other.reversed}


def _operation_of(lock: Lock, operations: Iterable[UnfinishedOperation]) -> UnfinishedOperation | None:
    for operation in operations:
        if operation.netns != lock.netns:
            continue
        theirs = [connection.unmapped for connection in operation.connections]
        if lock.scope is LockScope.NAMESPACE or lock.root_pid == operation.pid:
            return operation
        if any(_same(own, connection) for own in lock.connections for connection in theirs):
            return operation
    return None


def _image_of(
    lock: Lock, images: Iterable[ImageDirectory], operation: UnfinishedOperation | None, here: "_Here"
) -> ImageDirectory | None:
    """The newest directory that the lock was made for."""
    fitting = [image for image in images if _fits(lock, image, here) or (operation and operation.images == image.path)]
    return max(fitting, key=lambda image: (image.complete, image.modified), default=None)


def _fits(lock: Lock, image: ImageDirectory, here: "_Here") -> bool:
    if lock.run_id_prefix is not None:
        return image.run_id is not None and image.run_id.startswith(lock.run_id_prefix)
    if lock.root_pid is not None:
        return image.lock_method == "nftables" and image.root_pid == lock.root_pid and image.run_id is None
    if image.lock_method not in {"iptables", None}:
        return False
    if lock.scope is LockScope.NAMESPACE:
        # The chain bears no name: an image of a whole namespace fits where its sockets could have lived.
        return image.dumps_netns and any(here.could_hold(each.connection.unmapped) for each in image.sockets)
    return any(socket.connection.unmapped in lock.connections for socket in image.sockets)


def _locked_ends(
    lock: Lock, image: ImageDirectory | None, here: "_Here"
) -> tuple[tuple[Connection, ...], tuple[Socket, ...], bool]:
    """Connections from the locked end, the live sockets of these ends, and whether it is in doubt which end it is.

    An nftables set holds both directions. The images tell which end was dumped; without them it is the end that
    lives, unless the other end could have lived here too.
    """
    live = here.sockets
    if lock.scope is LockScope.NAMESPACE:
        return (), tuple(live.values()), False
    if lock.backend is not Backend.NFTABLES:
        return lock.connections, tuple(live[c] for c in lock.connections if c in live), False
    dumped = {socket.connection.unmapped for socket in image.sockets} if image else set()
    ends: list[Connection] = []
    doubt = False
    for connection in lock.connections:
        views = (connection, connection.reversed)
        chosen = [view for view in views if view in dumped] or [view for view in views if view in live]
        if len(chosen) == 1 and chosen[0] not in dumped:
            doubt = doubt or here.owns(chosen[0].peer)
        ends.extend(chosen or [view for view in views if here.owns(view.local)][:1] or [connection])
    return tuple(ends), tuple(live[end] for end in ends if end in live), doubt
