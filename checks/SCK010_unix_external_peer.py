"""A unix socket of the process tree is connected to a process outside of it.

What it looks at
----------------
The other end of each unix socket of the process tree that is to be dumped.

Why it matters
--------------
CRIU saves both ends of a unix connection or none. If the other end belongs to a process that is not dumped (the
system log, D-Bus, a database on the same host), it refuses: `External socket is used`.

What to do
----------
Close the connection before the dump, or dump the other process, too. Datagram sockets with a named peer (the system
log) need `--ext-unix-sk`, for the dump and for the restore. `--external unix[INODE]` lets the dump of a stream pass,
but the restore still has no other end to give it.

When it is wrong
----------------
Where the kernel does not tell the other end, nothing is said.

References
----------
criu/sk-unix.c; criu(8), --external, --ext-unix-sk.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.phrases import listed
from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "SCK010"
NAME = "unix-external-peer"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket with its peer outside."""
    known = {} if isinstance(processes, Gap) else processes
    for verdict in caused(verdicts, NAME):
        each = verdict.descriptor
        if each is None:
            continue
        peers = [f"{known[pid].command} {pid}" if pid in known else str(pid) for pid in each.peer_pids]
        named = verdict.answer is Answer.NEEDS
        yield Problem(
            severity(verdict),
            subject(verdict, processes),
            f"{what(verdict).capitalize()} is connected to {listed(peers)}, which is not part of what is dumped. "
            + ("CRIU connects it again by the name of its peer, if it is told to." if named else "CRIU refuses this."),
            facts={"fd": each.fd, "inode": each.inode, "peer_inode": each.peer_inode, "peer_pids": each.peer_pids},
            quotes=quotes(verdict),
            fixes=(
                Fix("Add --ext-unix-sk to the dump and to the restore.")
                if named
                else Fix("Let the program close this connection before the dump, or dump the other process, too."),
            ),
        )
