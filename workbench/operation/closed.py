"""What the peers of connections that a dump closes have seen, told by what the kernel still has of both ends."""

from collections.abc import Iterable, Sequence

from workbench.evidence import Connection, Evidence, Gap, Socket, TcpState
from workbench.evidence.sequences import apart
from workbench.evidence.socket_choice import other_ends
from workbench.operation.policies import Closing
from workbench.operation.progress import Closed

RESET, END, NOTHING = "ECONNRESET", "EOF", "nothing"
_GOT_FIN = frozenset({TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.CLOSING, TcpState.TIME_WAIT})


class ClosedPeers:
    """Other ends on this host, found while their connections are open and asked for when they are not."""

    def __init__(self, closings: Iterable[Closing], netns: int, before: Evidence) -> None:
        """``netns``: network namespace of the ends that are closed."""
        self._closings, self._netns = tuple(closings), netns
        self._peers: dict[Connection, Socket] = {}
        for peer in other_ends(_listed(before), [each.connection for each in self._closings]):
            ours = peer.connection.unmapped.reversed
            if ours not in self._peers or self._fits(ours, peer, before):
                self._peers[ours] = peer

    def _fits(self, ours: Connection, peer: Socket, before: Evidence) -> bool:
        """Elsewhere on this host may be a connection of the same name: both ends must agree."""
        if isinstance(before.sequences, Gap):
            return False
        here = (each for each in other_ends(_listed(before), [ours.reversed]) if each.netns == self._netns)
        mine = next((before.sequences.get(each.cookie) for each in here), None)
        theirs = before.sequences.get(peer.cookie)
        return mine is not None and theirs is not None and apart(mine, theirs) is None

    def seen(self, now: Evidence) -> tuple[Closed, ...]:
        """By each, as of now."""
        known = [each.connection for each in self._closings]
        peers = {(each.netns, each.connection.unmapped): each for each in other_ends(_listed(now), known)}
        ours = other_ends(_listed(now), [each.reversed for each in known])
        fading = {each.connection.unmapped for each in ours if each.netns == self._netns}
        return tuple(
            Closed(each.connection, each.peer_sees, self._seen(each.connection.unmapped, peers, fading))
            for each in self._closings
        )

    def _seen(self, ours: Connection, peers: dict[tuple[int, Connection], Socket], fading: set[Connection]) -> str:
        if ours not in self._peers:
            return ""
        peer = peers.get((self._peers[ours].netns, ours.reversed))
        if peer is not None:
            return END if peer.state in _GOT_FIN else NOTHING
        return END if ours in fading else RESET  # who is reset keeps nothing, nor does who reset (RFC 9293 3.10.7.4)


def _listed(evidence: Evidence) -> Sequence[Socket]:
    return () if isinstance(evidence.sockets, Gap) else evidence.sockets
