"""A connection of the images exists on this host already.

What it looks at
----------------
Local and remote address and port of every connection in the images that are to be restored, and every socket of the
network namespace in which the restore is to happen.

Why it matters
--------------
Two sockets cannot have the same 4-tuple. CRIU fails with `Can't connect inet socket back: Cannot assign requested
address`. Usually the dumped process still runs (`--leave-running`), or the images were restored already, or a new
program has connected from the same port. A socket in TIME_WAIT is no obstacle: repair mode takes it over.

What to do
----------
End what has the connection. If it is the dumped process itself, it went on after the dump, and the images are too old
to be restored beside it.

When it is wrong
----------------
If the restore happens in another namespace: name it by `--netns`.

References
----------
net/ipv4/inet_hashtables.c (__inet_check_established); soccr/soccr.c.
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing
from workbench.checking.phrases import owner
from workbench.checking.targets import connected
from workbench.evidence import Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose

CODE = "IMG006"
NAME = "tuple-in-use"
SINCE = "0.1"


def check(landing: Landing, sockets: Sequence[Socket]) -> Iterator[Problem]:
    """One problem for each connection that exists."""
    image, netns = landing.image, landing.netns
    needed = {socket.connection.unmapped for socket in connected(image)}
    for socket in choose(sockets, Choice(netns={netns})):
        if socket.state is TcpState.TIME_WAIT or socket.connection.unmapped not in needed:
            continue
        yield Problem(
            Severity.ERROR,
            Subject(
                "socket",
                str(socket.connection),
                {"connection": str(socket.connection.unmapped), "path": image.path, "netns": netns},
            ),
            f"The connection {socket.connection} exists already ({socket.state.name}, {owner(socket)}): it cannot be "
            "restored a second time.",
            facts={"state": socket.state.name, "inode": socket.inode},
            quotes=(Quote("sockets", f"{socket.connection} {socket.state.name} {owner(socket)}"),),
            fixes=(Fix("End what has the connection, if it may end, or restore in another network namespace."),),
        )
