"""Connections wait in a listener's queue that the program has not accepted yet.

What it looks at
----------------
The accept queue of each listening socket of the process tree that is to be dumped.

Why it matters
--------------
A connection that the kernel has set up and the program has not accepted has no file descriptor, so CRIU cannot save
it. It refuses the whole dump: `In-flight connection (l) for ...`.

What to do
----------
Dump when the program has caught up; keep new connections away meanwhile, for example by the load balancer.
`--skip-in-flight` lets the dump succeed, but the clients that wait are then reset.

When it is wrong
----------------
The queue is seen at one moment; a busy server may have an empty queue now and a full one when it is frozen.

References
----------
criu/sk-inet.c (can_dump_inet_sk); listen(2); accept(2).
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import counted, owner, socket_subject
from workbench.checking.targets import dumped_sockets
from workbench.evidence import Socket, Target, TcpState

CODE = "SCK001"
NAME = "tcp-in-flight"
SINCE = "0.1"


def check(sockets: Sequence[Socket], target: Target) -> Iterator[Problem]:
    """One problem for each listener with a queue."""
    for socket in dumped_sockets(sockets, target):
        if socket.state is not TcpState.LISTEN or not socket.recv_q:
            continue
        yield Problem(
            Severity.ERROR,
            socket_subject(socket),
            f"{counted(socket.recv_q, 'client')} connected to {socket.local} and {owner(socket)} has not accepted "
            "them: CRIU refuses to dump a listener with connections in its queue.",
            facts={"waiting": socket.recv_q, "backlog": socket.send_q},
            quotes=(Quote("sockets", f"{socket.local} LISTEN recv_q {socket.recv_q}"),),
            fixes=(
                Fix("Try again when the queue is empty."),
                Fix("Or add --skip-in-flight to the dump: the clients in the queue are then reset."),
            ),
        )
