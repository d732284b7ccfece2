"""A port that the images need is held by connections, not by a listener: the restore may be refused.

What it looks at
----------------
Sockets on the ports of listening and merely bound sockets of the images: connections that go out from the port or were
accepted on it, bound sockets, and TIME_WAIT with the seconds that it still lasts. Listeners are IMG007.

Why it matters
--------------
CRIU binds with SO_REUSEADDR, whatever the program had set. The kernel lets it in if the other socket was made with
SO_REUSEADDR, too, and refuses otherwise: `Can't bind inet socket: Address already in use`. Whether the other one was
cannot be seen from outside. What the dumped program's own connections left in TIME_WAIT is the usual case, and goes
away by itself after a minute.

What to do
----------
Wait until TIME_WAIT is over; end the connection that holds the port.

When it is wrong
----------------
The sockets in the way were made with SO_REUSEADDR, as most servers do. Restored connections never fail for this: their
4-tuple alone counts (IMG006).

References
----------
net/ipv4/inet_connection_sock.c (inet_bind_conflict); criu/sk-inet.c (open_inet_sk); socket(7).
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.landing import Landing, clash
from workbench.checking.phrases import listed, owner
from workbench.evidence import Socket, TcpState

CODE = "IMG011"
NAME = "port-held"
SINCE = "0.1"

_HALF_OPEN = {TcpState.SYN_RECV, TcpState.NEW_SYN_RECV}


def check(landing: Landing, sockets: Sequence[Socket]) -> Iterator[Problem]:
    """One problem for each port."""
    image, netns = landing.image, landing.netns
    needed = {
        socket.connection.unmapped.local
        for socket in image.sockets
        if not socket.connection.peer.port and socket.connection.local.port
    }
    ports = {end.port for end in needed}
    if not ports:
        return
    here = [
        socket
        for socket in sockets
        if socket.local.port in ports and socket.netns == netns and socket.state not in {TcpState.LISTEN, *_HALF_OPEN}
    ]
    for end in sorted(needed):
        holding = [socket for socket in here if clash(socket.connection.unmapped.local, end)]
        if not holding:
            continue
        waiting = [socket for socket in holding if socket.state is TcpState.TIME_WAIT]
        seconds = max((socket.timer_ms for socket in waiting), default=0) // 1000
        others = [socket for socket in holding if socket.state is not TcpState.TIME_WAIT]
        who = [f"{socket.state.name} of {owner(socket)}" for socket in others]
        who += [f"{len(waiting)} in TIME_WAIT for {seconds} s more"] if waiting else []
        fix = Fix(f"Wait {seconds} s." if waiting and not others else "End what holds the port, if it may end.")
        yield Problem(
            Severity.WARNING,
            Subject("socket", str(end), {"path": image.path, "netns": netns}),
            f"The images need to bind {end}, where {listed(who)} may be in the way: unless made with SO_REUSEADDR.",
            facts={"local": str(end), "time_wait_s": seconds, "sockets": [str(each.connection) for each in holding]},
            quotes=tuple(Quote("sockets", f"{each.connection} {each.state.name}") for each in holding[:3]),
            fixes=(fix,),
            follows=("port-in-use",),
        )
