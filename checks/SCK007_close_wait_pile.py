"""A program has many connections that its peers closed long ago and it never closed.

What it looks at
----------------
Sockets in CLOSE_WAIT by process: at least 100, and more than half of the connections of that process, on which
nothing was received for five seconds.

Why it matters
--------------
The program leaks sockets. Each is dumped and restored like any other: a half-closed connection costs a play-acted FIN
at restore, and a checkpoint of a thousand dead connections is slower and more likely to fail than one of ten live
ones.

What to do
----------
Find out why the program does not close them; restarting it frees them. Dump after that.

When it is wrong
----------------
A program that really streams to many peers that have shut down their sending side, or that needs more than five
seconds to close many connections that ended at the same time.

References
----------
RFC 9293, 3.6; soccr/soccr.c.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.evidence import Gap, Process, Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose

CODE = "SCK007"
NAME = "close-wait-pile"
SINCE = "0.1"

MANY = 100
LONG_MS = 5_000


def check(sockets: Sequence[Socket], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each such process."""
    waiting = Counter(
        socket.pid
        for socket in choose(sockets, Choice(states={TcpState.CLOSE_WAIT}))
        if socket.info is None or socket.info.last_data_recv_ms > LONG_MS
    )
    piles = {pid: number for pid, number in waiting.items() if pid is not None and number >= MANY}
    connected = Counter(socket.pid for socket in sockets if socket.peer.port) if piles else Counter()
    for pid, number in piles.items():
        if 2 * number > connected[pid]:
            yield Problem(
                Severity.NOTE,
                process_subject(pid, processes),
                f"{number} of its {connected[pid]} connections were closed by the peer and are still open here: the "
                "program does not close them. All of them would be dumped and restored.",
                facts={"close_wait": number, "connections": connected[pid]},
                quotes=(Quote("sockets", f"{number} sockets of {pid} in CLOSE_WAIT"),),
                fixes=(Fix("Restart the program, or have the leak mended, before the dump."),),
            )
