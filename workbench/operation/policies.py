"""Which policy fits each connection, and what closing costs: bytes lost at either end, what the programs will see."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.checking.survival.waiting import Wait, waits
from workbench.evidence import Connection, Evidence, Socket
from workbench.operation.request import Policy
from workbench.present.text import printable
from workbench.present.units import milliseconds

LEAST_PATIENCE_MS = 10_000.0
"""A peer that waits less is lost by the smallest delay of a restore."""
LIVELY_MS = 1000
"""Data that came within this time says that more comes while the processes stand still."""


class Place(StrEnum):
    """Where the other end of a connection is."""

    TREE = "inside the tree"
    HOST = "on this host"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Advice:
    """What fits one connection."""

    connection: Connection
    place: Place
    policy: Policy
    why: str
    """One sentence; printable."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What becomes of a connection that is closed; bytes as of the plan."""

    connection: Connection
    unread: int
    """Received here and not read by the program: lost."""
    unacknowledged: int
    """Written here, and not acknowledged: lost unless they arrive before the process ends."""
    peer_unread: int | None
    """Received at the peer and not read: its program still reads them. None: the peer is not on this host."""
    peer_unacknowledged: int | None
    """Written at the peer and not acknowledged: lost. None likewise."""
    peer_sees: str
    """``ECONNRESET`` or ``EOF``, at its next read."""
    why: str
    """One clause; printable."""
    program_sees: str = "EOF"
    """After a restore with --tcp-close: end of file when it reads, EPIPE when it writes."""


def advise(evidence: Evidence, connected: Sequence[Socket], pids: Collection[int]) -> tuple[Advice, ...]:
    """One for each connection of the tree."""
    waiting = waits(evidence, connected, pids)
    return tuple(_advice(each, waiting.get(each.inode)) for each in connected)


def _advice(socket: Socket, wait: Wait | None) -> Advice:
    connection = socket.connection
    if wait is None:
        why = "both ends are dumped together and come back together: nobody waits"
        return Advice(connection, Place.TREE, Policy.KEEP, why)
    place = Place.REMOTE if wait.peer is None else Place.HOST
    patient = f"its peer waits {milliseconds(wait.least_ms)} at least ({printable(wait.because)})"
    if wait.least_ms < LEAST_PATIENCE_MS:
        why = f"{patient}: unless it is restored before that, its program had better see the end at once"
        return Advice(connection, place, Policy.CLOSE, why)
    whose = "on this host" if wait.peer is not None else "by Linux's defaults; what its host is set to is not known"
    return Advice(connection, place, Policy.KEEP, f"{patient}, {whose}: restored by then, it notices nothing")


def closings(evidence: Evidence, connected: Sequence[Socket], pids: Collection[int]) -> tuple[Closing, ...]:
    """The ledger of a dump that closes them."""
    waiting = waits(evidence, connected, pids)
    return tuple(_closings(connected, waiting))


def _closings(connected: Sequence[Socket], waiting: dict[int, Wait]) -> Iterator[Closing]:
    ours = {each.connection.unmapped: each for each in connected}
    for each in connected:
        wait = waiting.get(each.inode)
        peer = ours.get(each.connection.unmapped.reversed) if wait is None else wait.peer
        sees, why = _seen_by_peer(each)
        yield Closing(
            each.connection,
            each.recv_q,
            each.send_q,
            None if peer is None else peer.recv_q,
            None if peer is None else peer.send_q,
            sees,
            why,
        )


def _seen_by_peer(socket: Socket) -> tuple[str, str]:
    """A socket that ends with unread bytes resets its peer (RFC 9293 3.6, tcp_close); another one sends a FIN."""
    if socket.recv_q:
        return "ECONNRESET", f"{socket.recv_q} bytes are unread when it ends"
    # The clock of a connection on which nothing has come yet begins with it (tcp_init_transfer).
    if socket.info is not None and socket.info.bytes_received and socket.info.last_data_recv_ms < LIVELY_MS:
        return "ECONNRESET", "its peer is sending, and what comes while the program stands still stays unread"
    return "EOF", "nothing is unread, so that it ends with a FIN"
