"""A socket is in repair mode although no CRIU works on it.

What it looks at
----------------
The repair flag of every TCP socket, and whether a CRIU that may have turned it on, or an operation of the workbench,
is at work.

Why it matters
--------------
In repair mode the kernel takes what the program writes as already sent, and transmits nothing; reading fails with
EPERM. CRIU turns it on to read a connection. It stays on if CRIU is killed half way, and after a dump with
`--leave-stopped`. Nothing shows it: `ss` prints the socket as established.

What to do
----------
`workbench recover` turns it off for operations that the workbench began, `workbench locks --remove` for others whose
lock still stands: each stops the process for some milliseconds, turns repair mode off and lifts the lock. Without a
lock, stop the process and let a program with its descriptor (pidfd_getfd) set TCP_REPAIR to 0.

When it is wrong
----------------
A debugger or another program for checkpoints may be at work, or a dump was left stopped on purpose.

References
----------
tcp(7) does not know it; net/ipv4/tcp.c (tcp_repair_set); criu/sk-tcp.c.
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import owner, socket_subject
from workbench.evidence import Gap, Process, Sequences, Socket, UnfinishedOperation
from workbench.evidence.lock_holder import is_working_criu, may_reach
from workbench.evidence.sequences import in_repair
from workbench.evidence.socket_choice import Choice, choose

CODE = "SCK005"
NAME = "stuck-in-repair"
SINCE = "0.1"


def check(
    sockets: Sequence[Socket],
    sequences: Mapping[int, Sequences],
    processes: Mapping[int, Process] | Gap,
    unfinished: tuple[UnfinishedOperation, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each socket."""
    known_processes = {} if isinstance(processes, Gap) else processes
    running = [each for each in known_processes.values() if is_working_criu(each)]
    operations = () if isinstance(unfinished, Gap) else unfinished
    if any(operation.workbench_alive for operation in operations):
        return
    for socket in choose(sockets, Choice(cookies=in_repair(sequences))):
        if any(may_reach(criu, socket.netns, known_processes) for criu in running):
            continue
        yield Problem(
            Severity.ERROR,
            socket_subject(socket),
            f"The connection of {owner(socket)} was left in repair mode: what the program writes is never sent, and "
            "what it reads fails. No CRIU is at work that would turn it off.",
            facts={"send_q": socket.send_q, "recv_q": socket.recv_q},
            quotes=(Quote("sequences", f"{socket.connection} repair"),),
            fixes=(
                Fix("See what the workbench would put right.", ("workbench", "locks", "--remove", "--plan"), safe=True),
                Fix("Turn repair mode off and lift the lock.", ("workbench", "locks", "--remove")),
                Fix("Or put it right, if the workbench began the operation.", ("workbench", "recover")),
            ),
            follows=("unfinished-operation",),
        )
