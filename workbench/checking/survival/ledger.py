"""Bytes in the queues of a connection that a dump keeps or loses, by policy."""

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.checking.survival.tcp import is_connection
from workbench.evidence import BorrowedSocket, Socket, TcpState

_PEER_FIN = frozenset({TcpState.CLOSE_WAIT, TcpState.CLOSING, TcpState.LAST_ACK})
_OWN_FIN = frozenset({TcpState.FIN_WAIT1, TcpState.CLOSING, TcpState.LAST_ACK})


@dataclass(frozen=True, slots=True)
class Account:
    """One connection's queues, in bytes, without FINs."""

    socket: Socket
    unread: int
    """Acknowledged to the peer, not read by the program."""
    unacknowledged: int
    """Written by the program, not acknowledged by the peer."""
    behind_urgent: int = 0
    """Of ``unread`` what no image keeps: an urgent byte and all behind it."""

    @property
    def resets_peer(self) -> bool:
        """Whether closing it sends a RST instead of a FIN: the kernel does so where bytes were not read (RFC 2525)."""
        return self.unread > 0

    def lost_when_kept(self) -> int:
        """``--tcp-established``: both queues go into the images."""
        return self.behind_urgent

    def lost_when_closed(self) -> int:
        """``--tcp-close`` and the end of the process: what was not read is gone for good.

        The send queue is delivered by the kernel after the process has ended, unless the connection is reset.
        """
        return self.unread + (self.unacknowledged if self.resets_peer else 0)


def account(socket: Socket, borrowed: BorrowedSocket | None = None) -> Account:
    """The queues of one connection."""
    unread = max(socket.recv_q - (socket.state in _PEER_FIN and socket.recv_q > 0), 0)
    unacknowledged = max(socket.send_q - (socket.state in _OWN_FIN), 0)
    behind = 0
    if borrowed is not None and borrowed.urgent and borrowed.unread is not None:
        behind = max(unread - borrowed.unread, 0)
    return Account(socket, unread, unacknowledged, behind)


def accounts(sockets: Iterable[Socket], borrowed: dict[int, BorrowedSocket]) -> tuple[Account, ...]:
    """Of every connection among these sockets."""
    return tuple(account(each, borrowed.get(each.inode)) for each in sockets if is_connection(each))
