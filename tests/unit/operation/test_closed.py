"""What the peer of a closed connection has seen, by what is left of both ends."""

from dataclasses import replace

import pytest

from tests.sample import APP, CLI, CLIENT_END, CONNECTION, SERVER_END, evidence, socket
from workbench.evidence import Endpoint, Evidence, Sequences, Socket, TcpState
from workbench.operation.closed import ClosedPeers
from workbench.operation.policies import Closing
from workbench.operation.progress import Closed

CLOSING = Closing(CONNECTION, 0, 0, 0, 0, "EOF", "nothing is unread")
OURS = socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED)
PEER = socket(2, CLIENT_END, SERVER_END, TcpState.ESTABLISHED, netns=CLI)


def _host(*sockets: Socket, sequences: dict[int, Sequences] | None = None) -> Evidence:
    return replace(evidence(), sockets=sockets, sequences=sequences or {})


AFTERWARDS = {
    "its end has not come yet": ((OURS, PEER), "nothing"),
    "it got a FIN": ((replace(PEER, state=TcpState.CLOSE_WAIT),), "EOF"),
    "it got a FIN and has closed": ((replace(OURS, state=TcpState.TIME_WAIT, inode=0),), "EOF"),
    "it had closed first": ((replace(PEER, state=TcpState.TIME_WAIT, inode=0, cookie=0),), "EOF"),
    "nothing is left of either": ((), "ECONNRESET"),
    "somebody else's of the same name is left": ((replace(OURS, netns=APP + 7), replace(PEER, netns=9)), "ECONNRESET"),
}


@pytest.mark.parametrize("what", AFTERWARDS)
def test_it_is_told_by_what_is_left(what: str) -> None:
    sockets, seen = AFTERWARDS[what]
    peers = ClosedPeers([CLOSING], APP, _host(OURS, PEER))
    assert peers.seen(_host(*sockets)) == (Closed(CONNECTION, "EOF", seen),)


def test_of_a_peer_elsewhere_nothing_is_said() -> None:
    other = socket(3, Endpoint("10.0.0.9", 1), SERVER_END, TcpState.ESTABLISHED)
    assert ClosedPeers([CLOSING], APP, _host(OURS, other)).seen(_host()) == (Closed(CONNECTION, "EOF", ""),)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_that_have_the_name_it_is_the_one_that_agrees(turned: bool) -> None:
    other = replace(PEER, netns=CLI + 1, cookie=9)
    sequences = {
        1: Sequences(snd_una=100, snd_nxt=100, write_seq=100, rcv_nxt=500, copied_seq=500),
        2: Sequences(snd_una=500, snd_nxt=500, write_seq=500, rcv_nxt=100, copied_seq=100),
        9: Sequences(snd_una=7, snd_nxt=7, write_seq=7, rcv_nxt=9_000, copied_seq=9_000),
    }
    candidates = (other, PEER) if turned else (PEER, other)
    peers = ClosedPeers([CLOSING], APP, _host(OURS, *candidates, sequences=sequences))
    assert peers.seen(_host(other)) == (Closed(CONNECTION, "EOF", "ECONNRESET"),)
