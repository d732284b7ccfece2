"""What each lock belongs to: its sockets and processes, its image directory, its operation, and what that means."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.evidence.evidence import Evidence
from workbench.evidence.gap import Gap
from workbench.evidence.image import ImageDirectory
from workbench.evidence.netfilter import Backend, Lock, LockScope
from workbench.evidence.process import Process
from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Connection, Socket, TcpState
from workbench.evidence.unfinished import UnfinishedOperation


class LockStatus(StrEnum):
    """Whether a lock does its work, and for whom."""

    HELD = "held"
    """By a CRIU or an operation that runs now."""
    NEEDED = "needed"
    """The process is gone and its images wait: the lock keeps the peer from a reset."""
    LEAK = "leak"
    """It holds back a socket that lives: the connection is dead until the lock is lifted."""
    STUCK = "stuck"
    """Its socket lives in repair mode and no CRIU works on it."""
    HALF = "half"
    """Only one direction is held back, and nothing that lives is hurt."""
    ORPHAN = "orphan"
    """No socket, no images and no CRIU belong to it."""
    UNCLEAR = "unclear"
    """Something that would tell could not be read."""


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


_UNHURT = frozenset({TcpState.LISTEN, TcpState.CLOSE, TcpState.BOUND_INACTIVE, TcpState.TIME_WAIT})


def map_locks(evidence: Evidence) -> tuple[LockUse, ...]:
    """Join every lock with the rest of the evidence; empty if there are no locks or they could not be read."""
    if isinstance(evidence.locks, Gap) or not evidence.locks:
        return ()
    images = () if isinstance(evidence.images, Gap) else evidence.images
    operations = () if isinstance(evidence.unfinished, Gap) else evidence.unfinished
    processes = {} if isinstance(evidence.processes, Gap) else evidence.processes
    sequences = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    live = _sockets_by_namespace(evidence, {lock.netns for lock in evidence.locks})
    own_addresses = _own_addresses(evidence)
    running = [process for process in processes.values() if _is_working_criu(process)]
    uses = []
    for lock in evidence.locks:
        operation = _operation_of(lock, operations)
        image = _image_of(lock, images, operation)
        connections, sockets, doubt = _locked_ends(lock, live[lock.netns], image, own_addresses[lock.netns])
        known = _Known(
            sockets=sockets,
            in_repair=next((each for each in sockets if _in_repair(each, sequences)), None),
            peer_may_be_dumped=doubt,
            image=image,
            operation=operation,
            criu=running[0] if running else None,
            sockets_were_read=not isinstance(evidence.sockets, Gap),
            images_were_read=not isinstance(evidence.images, Gap),
        )
        holders = {holder.pid for socket in sockets for holder in socket.holders}
        owners = tuple(processes[pid] for pid in sorted(holders) if pid in processes)
        uses.append(LockUse(lock, *_judge(lock, known), connections, sockets, owners, image, operation))
    return tuple(uses)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a lock is judged by."""

    sockets: Sequence[Socket]
    in_repair: Socket | None
    peer_may_be_dumped: bool
    image: ImageDirectory | None
    operation: UnfinishedOperation | None
    criu: Process | None
    sockets_were_read: bool
    images_were_read: bool


def _in_repair(socket: Socket, sequences: Mapping[int, Sequences]) -> bool:
    known = sequences.get(socket.cookie)
    return known is not None and known.repair is True


def _sockets_by_namespace(evidence: Evidence, wanted: set[int]) -> Mapping[int, Mapping[Connection, Socket]]:
    found: dict[int, dict[Connection, Socket]] = defaultdict(dict)
    if not isinstance(evidence.sockets, Gap):
        for socket in evidence.sockets:
            if socket.netns in wanted and socket.state not in _UNHURT:
                found[socket.netns][socket.connection.unmapped] = socket
    return found


def _own_addresses(evidence: Evidence) -> Mapping[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    if not isinstance(evidence.network, Gap):
        for item in evidence.network.addresses:
            found[item.netns].add(item.address)
    return found


def _is_working_criu(process: Process) -> bool:
    """A CRIU at work; a service that waits for requests and a page server lock nothing."""
    return process.command == "criu" and process.state != "Z" and not {"service", "page-server"} & set(process.argv)


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
    lock: Lock, images: Iterable[ImageDirectory], operation: UnfinishedOperation | None
) -> ImageDirectory | None:
    """The newest directory that the lock was made for."""
    fitting = [image for image in images if _fits(lock, image) or (operation and operation.images == image.path)]
    return max(fitting, key=lambda image: (image.complete, image.modified), default=None)


def _fits(lock: Lock, image: ImageDirectory) -> bool:
    if lock.run_id_prefix is not None:
        return image.run_id is not None and image.run_id.startswith(lock.run_id_prefix)
    if lock.root_pid is not None:
        return image.lock_method == "nftables" and image.root_pid == lock.root_pid and image.run_id is None
    if lock.scope is LockScope.NAMESPACE or image.lock_method not in {"iptables", None}:
        return False
    return any(socket.connection.unmapped in lock.connections for socket in image.sockets)


def _locked_ends(
    lock: Lock, live: Mapping[Connection, Socket], image: ImageDirectory | None, own: set[str]
) -> tuple[tuple[Connection, ...], tuple[Socket, ...], bool]:
    """Connections from the locked end, the live sockets of these ends, and whether it is in doubt which end it is.

    An nftables set holds both directions. The images tell which end was dumped; without them it is the end that
    lives, unless the other end could have lived here too.
    """
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
            doubt = doubt or _is_own(chosen[0].peer.address, own)
        ends.extend(chosen or [view for view in views if _is_own(view.local.address, own)][:1] or [connection])
    return tuple(ends), tuple(live[end] for end in ends if end in live), doubt


def _is_own(address: str, own: set[str]) -> bool:
    return address in own or address == "::1" or address.startswith("127.")


def _judge(lock: Lock, known: "_Known") -> tuple[LockStatus, str, str]:
    """Status, sentence and advice; what runs now comes before what is stuck, what is hurt before what waits."""
    sockets, image, operation = known.sockets, known.image, known.operation
    where = f" ({image.path})" if image else ""
    if operation and (operation.criu_alive or operation.workbench_alive):
        return LockStatus.HELD, f"held by the {operation.kind} of {operation.command} {operation.pid}", ""
    if known.criu:
        return (
            LockStatus.HELD,
            f"a CRIU runs (pid {known.criu.pid}): the lock may be its own",
            "wait until it has ended",
        )
    if not known.sockets_were_read:
        return LockStatus.UNCLEAR, "sockets could not be read: whom it hurts is not known", "run as root"
    if known.in_repair:
        sentence = f"{_owner(known.in_repair)} is in repair mode and no CRIU works on it{where}"
        return LockStatus.STUCK, sentence, "turn repair mode off, then lift the lock: `workbench recover`"
    if known.peer_may_be_dumped:
        sentence = f"{_owner(sockets[0])} lives, but its peer may have been dumped on this host"
        return LockStatus.UNCLEAR, sentence, "look for the images of the other end before lifting it"
    if not lock.directions:
        return LockStatus.HALF, "nothing jumps to the chain: an unlock went half way", "remove the chain"
    if sockets and (lock.scope is LockScope.CONNECTION or image is None or _restored(sockets, image)):
        more = f" and {len(sockets) - 1} more" if len(sockets) > 1 else ""
        one_way = f" in one direction ({''.join(lock.directions)})" if len(lock.directions) == 1 else ""
        return LockStatus.LEAK, f"holds back {_owner(sockets[0])}{more}{one_way}: no CRIU is at work", "lift it"
    if image and not image.complete:
        return LockStatus.ORPHAN, f"left by a dump that did not end{where}", "lift it"
    if len(lock.directions) == 1:
        missing = "output" if "input" in lock.directions else "input"
        return LockStatus.HALF, f"half a lock: {missing} is open{where}", "put it back whole, or lift it"
    if image:
        return LockStatus.NEEDED, f"its process is gone, its images wait{where}", "restore, or give it up"
    if operation:
        return (
            LockStatus.UNCLEAR,
            f"left by an unfinished {operation.kind} of {operation.command}",
            "`workbench recover`",
        )
    if not known.images_were_read:
        sentence = "no socket belongs to it, and image directories were not looked at"
        return LockStatus.UNCLEAR, sentence, "look for its images before lifting it"
    return LockStatus.ORPHAN, "no socket, no images and no CRIU belong to it", "lift it, unless images lie elsewhere"


def _restored(sockets: Sequence[Socket], image: ImageDirectory) -> bool:
    dumped = {socket.connection.unmapped for socket in image.sockets}
    return any(socket.connection.unmapped in dumped for socket in sockets)


def _owner(socket: Socket) -> str:
    process = f"{socket.command} {socket.pid} fd {socket.fd}" if socket.holders else "a socket without a process"
    return f"{socket.connection} of {process}"
