"""Both ends of a connection are on this host, and do not agree on where they are.

What it looks at
----------------
Connections of which both ends are sockets of this host, one of which retransmits without an answer, and the sequence
numbers of both.

Why it matters
--------------
Every byte of a connection is either acknowledged, in flight, or in a queue. If one end expects a byte that its peer has
not sent yet, or one that its peer has forgotten, because it was acknowledged, one of them was set back: it was restored
from images that are older than what it had exchanged since. There is no reset: what one sends, the other throws away
and acknowledges again, for ever.

What to do
----------
It cannot be put right: end both programs' connection, and let them connect anew. Restore only images after which
nothing was exchanged, that is, keep the lock from the dump to the restore.

When it is wrong
----------------
The two ends are not read at one instant, but a connection that retransmits without an answer stands still. A peer
behind NAT that has the same addresses and ports in another network namespace could be taken for the other end.

References
----------
RFC 9293 3.4 and 3.10.7.4; net/ipv4/tcp_input.c (tcp_validate_incoming, tcp_ack).
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import owner, socket_subject
from workbench.evidence import Connection, Sequences, Socket, TcpState
from workbench.evidence.sequences import apart
from workbench.evidence.socket_choice import Choice, choose

CODE = "SCK026"
NAME = "live-ends-out-of-step"
SINCE = "0.1"
_HANDSHAKE = frozenset({TcpState.SYN_SENT, TcpState.SYN_RECV})
"""Who is in it has not heard of the other's numbers yet."""


def check(sockets: Sequence[Socket], sequences: Mapping[int, Sequences]) -> Iterator[Problem]:
    """One problem for each end that retransmits in vain."""
    waiting = [socket for socket in choose(sockets, Choice(retransmits=1)) if socket.cookie in sequences]
    if not waiting:
        return
    possible = Choice(
        local_ports={socket.peer.port for socket in waiting}, peer_ports={socket.local.port for socket in waiting}
    )
    others: dict[Connection, list[Socket]] = {}
    for other in choose(sockets, possible):
        if other.cookie in sequences:
            others.setdefault(other.connection.unmapped, []).append(other)
    for socket in waiting:
        peers = others.get(socket.connection.unmapped.reversed, [])
        if len(peers) != 1 or _HANDSHAKE & {socket.state, peers[0].state}:
            continue
        ours, theirs = sequences[socket.cookie], sequences[peers[0].cookie]
        for sender, receiver, ends in ((ours, theirs, (socket, peers[0])), (theirs, ours, (peers[0], socket))):
            difference = apart(sender, receiver)
            if difference is None:
                continue
            from_, to = ends
            lacks = (
                f"{owner(to)} lacks {difference} bytes that {owner(from_)} sent and has forgotten"
                if difference > 0
                else f"{owner(to)} has {-difference} bytes that {owner(from_)} never sent"
            )
            yield Problem(
                Severity.ERROR,
                socket_subject(socket),
                f"The two ends of {socket.connection} do not agree on where they are: {lacks}. Nothing will ever get "
                "through again, and there is no reset.",
                facts={"bytes_apart": difference, "retransmits": socket.retransmits},
                quotes=(
                    Quote("sequences", f"{from_.connection} snd_una {sender.snd_una} snd_nxt {sender.snd_nxt}"),
                    Quote("sequences", f"{to.connection} rcv_nxt {receiver.rcv_nxt}"),
                ),
                fixes=(Fix("End this connection at both ends, and let the programs connect anew."),),
            )
            break
