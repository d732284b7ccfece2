"""A connection of the images has no peer any more: the restored end will be answered with a reset.

What it looks at
----------------
Images, and sockets that were recorded on the host of the peers (the output of ss): whether each connection's other end
is still there.

Why it matters
--------------
A peer gives up after its retransmissions or its own time-outs, or its program ends. A restore brings back one end of a
connection that has no other; with the first segment that the restored end sends it is reset.

What to do
----------
Restore the rest, and let the program connect anew; or restore with --tcp-close, if no peer is left.

When it is wrong
----------------
The listing is older than the connection, or of another network namespace than the peer's.

References
----------
RFC 9293, 3.10.7.1; tcp(7), tcp_retries2.
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted, listed
from workbench.evidence import ImageDirectory, Socket, TcpState

CODE = "SCK031"
NAME = "peer-closed-already"
SINCE = "0.1"

_GOING = frozenset({TcpState.TIME_WAIT, TcpState.CLOSE, TcpState.LAST_ACK, TcpState.FIN_WAIT1, TcpState.FIN_WAIT2,
                    TcpState.CLOSING})  # fmt: skip


def check(images: tuple[ImageDirectory, ...], sockets: Sequence[Socket], sources: tuple[str, ...]) -> Iterator[Problem]:
    """One problem for each directory."""
    if "live" in sources:
        return
    listed_ = {socket.connection.unmapped: socket for socket in sockets}
    here = {connection.local.address for connection in listed_}
    for image in images:
        open_ = [
            each.connection.unmapped
            for each in image.sockets
            if each.state is TcpState.ESTABLISHED and not image.tcp_close
        ]
        gone = []
        for connection in open_:
            peer = listed_.get(connection.reversed)
            expected = connection.peer.address in here and connection not in listed_
            if (peer is None and expected) or (peer is not None and peer.state in _GOING):
                gone.append((connection, peer))
        if gone:
            yield Problem(
                Severity.ERROR,
                Subject("image", image.path, {"path": image.path}),
                f"The peer of {counted(len(gone), 'connection')} in {image.path} has closed or given up: "
                f"{listed(connection for connection, _ in gone)}. Restored, they are reset.",
                facts={"connections": [str(connection) for connection, _ in gone]},
                quotes=tuple(
                    Quote("sockets", f"{connection.reversed} {peer.state.name if peer else 'is not there'}")
                    for connection, peer in gone[:3]
                ),
                fixes=(Fix("Let the program connect anew; restore sooner next time."),),
                weight=5,
            )
