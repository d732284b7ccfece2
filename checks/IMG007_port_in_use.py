"""A port that a listener of the images needs is taken by another program.

What it looks at
----------------
Listening sockets in the images that are to be restored, and listening sockets of the network namespace in which the
restore is to happen.

Why it matters
--------------
CRIU binds and listens again where the program listened. If another program does, the restore fails with `Address
already in use`, and waiting does not help.

What to do
----------
Stop the other program (often a second copy, or the one that was meant to replace this one).

When it is wrong
----------------
Both programs may have SO_REUSEPORT and share the port.

References
----------
criu/sk-inet.c (open_inet_sk); socket(7), SO_REUSEADDR, SO_REUSEPORT.
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing, clash
from workbench.checking.phrases import owner
from workbench.evidence import Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose

CODE = "IMG007"
NAME = "port-in-use"
SINCE = "0.1"


def check(landing: Landing, sockets: Sequence[Socket]) -> Iterator[Problem]:
    """One problem for each listener that is in the way."""
    image, netns = landing.image, landing.netns
    needed = [
        socket.connection.local
        for socket in image.sockets
        if not socket.connection.peer.port
        and socket.connection.local.port
        and not (socket.state is TcpState.LISTEN and socket.socket_options.get("SO_REUSEPORT"))
    ]
    for socket in choose(sockets, Choice(netns={netns}, states={TcpState.LISTEN})):
        if any(clash(socket.local, own) for own in needed):
            yield Problem(
                Severity.ERROR,
                Subject("socket", str(socket.local), {"inode": socket.inode, "path": image.path, "netns": netns}),
                f"The images need to bind {socket.local}, where {owner(socket)} listens already.",
                facts={"local": str(socket.local), "inode": socket.inode},
                quotes=(Quote("sockets", f"{socket.local} LISTEN {owner(socket)}"),),
                fixes=(Fix("Stop the program that listens there, or restore in another network namespace."),),
            )
