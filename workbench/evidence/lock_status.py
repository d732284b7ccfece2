"""Whether a lock does its work, is forgotten, or hurts somebody."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.evidence.image import ImageDirectory
from workbench.evidence.netfilter import Lock, LockScope
from workbench.evidence.process import Process
from workbench.evidence.socket import Socket
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
class Known:
    """What a lock is judged by."""

    sockets: Sequence[Socket]
    """Live ones of the locked end."""
    in_repair: Socket | None
    """One of them that is in TCP_REPAIR mode."""
    peer_may_be_dumped: bool
    image: ImageDirectory | None
    operation: UnfinishedOperation | None
    criu: Process | None
    """One that is at work on this host."""
    sockets_were_read: bool
    images_were_read: bool


def judge(lock: Lock, known: Known) -> tuple[LockStatus, str, str]:
    """Status, sentence and advice; what runs now comes before what is stuck, what is hurt before what waits."""
    sockets, image, operation = known.sockets, known.image, known.operation
    where = f" ({image.path})" if image else ""
    if operation and (operation.criu_alive or operation.workbench_alive):
        return LockStatus.HELD, f"held by the {operation.title}", ""
    if known.criu:
        return (
            LockStatus.HELD,
            f"a CRIU runs (pid {known.criu.pid}): the lock may be its own",
            "wait until it has ended",
        )
    if not known.sockets_were_read:
        sentence = "the sockets are not known: whom it hurts cannot be said"
        return LockStatus.UNCLEAR, sentence, "look as root, or at a list of them too (`ss -tanpeimo`)"
    if known.in_repair:
        sentence = f"{_owner(known.in_repair)} is in repair mode and no CRIU works on it{where}"
        return LockStatus.STUCK, sentence, "turn repair mode off, then lift the lock: `workbench recover`"
    if known.peer_may_be_dumped:
        sentence = f"{_owner(sockets[0])} lives, but its peer may have been dumped on this host"
        return LockStatus.UNCLEAR, sentence, "look for the images of the other end before lifting it"
    if not lock.directions:
        return LockStatus.HALF, "nothing jumps to the chain: an unlock went half way", "remove the chain"
    if lock.scope is LockScope.NAMESPACE and image is None and not known.images_were_read:
        sentence = "holds back a whole namespace, and image directories were not looked at"
        return LockStatus.UNCLEAR, sentence, "look for its images before lifting it"
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
            f"left by an unfinished {operation.title}",
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
