"""A connection has a setting that no image carries: it will be lost without a word.

What it looks at
----------------
Settings of the connected sockets of the process tree that is to be dumped, as far as they can be seen without
touching the socket: congestion control other than the namespace's default, TCP_USER_TIMEOUT, and segments received
out of order.

Why it matters
--------------
CRIU reports success, and the restored connection behaves differently: another congestion control, no user timeout (so
that a dead peer is noticed after 15 minutes instead of the seconds that the program asked for), or data that the peer
must send once more.

What to do
----------
Let the program set the option again after the restore, for example on a signal; or make the congestion control the
default of the namespace in which it is restored.

When it is wrong
----------------
The setting may not matter to the program. Other options are lost too and cannot be seen from outside (MD5 keys,
TCP_DEFER_ACCEPT, pacing, ...).

References
----------
criu/sockets.c, criu/sk-tcp.c (dump_tcp_opts); tcp(7).
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, socket_subject
from workbench.checking.targets import dumped_sockets
from workbench.evidence import Gap, Sequences, Socket, Sysctl, Target

CODE = "SCK011"
NAME = "option-not-in-image"
SINCE = "0.1"


def check(
    sockets: Sequence[Socket],
    sysctls: tuple[Sysctl, ...] | Gap,
    sequences: Mapping[int, Sequences] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each connection that loses something."""
    defaults = {
        item.netns: item.value
        for item in (() if isinstance(sysctls, Gap) else sysctls)
        if item.name == "net.ipv4.tcp_congestion_control"
    }
    for socket in dumped_sockets(sockets, target):
        if not socket.peer.port:
            continue
        known = None if isinstance(sequences, Gap) else sequences.get(socket.cookie)
        lost = []
        if socket.congestion and socket.congestion != defaults.get(socket.netns, socket.congestion):
            lost.append(f"congestion control {socket.congestion} (back to {defaults[socket.netns]})")
        if known and known.user_timeout_ms:
            lost.append(f"TCP_USER_TIMEOUT of {known.user_timeout_ms} ms (back to none)")
        if known and known.out_of_order:
            lost.append("segments received out of order (the peer must send them again)")
        if lost:
            yield Problem(
                Severity.NOTE,
                socket_subject(socket),
                f"No image can carry this, and it will be gone after the restore: {listed(lost)}.",
                facts={"lost": lost},
                quotes=(Quote("sockets", f"{socket.connection} {socket.congestion or ''}"),),
                fixes=(Fix("Let the program set it again after the restore, if it matters."),),
            )
