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
Close the connection before the dump, dump the other process too, or tell CRIU that the socket is external and will be
there again: `--external unix[INODE]`. Datagram sockets to the system log need `--ext-unix-sk`.

When it is wrong
----------------
Where the kernel does not tell the other end, nothing is said.

References
----------
criu/sk-unix.c; criu(8), --external, --ext-unix-sk.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, process_subject
from workbench.checking.targets import dumped
from workbench.evidence import Descriptor, DescriptorKind, Gap, Process, Target

CODE = "SCK010"
NAME = "unix-external-peer"
SINCE = "0.1"


def check(
    descriptors: tuple[Descriptor, ...],
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each socket with its peer outside."""
    pids = dumped(target)
    ours = {item.inode for item in descriptors if item.pid in pids}
    seen: set[int] = set()
    for item in descriptors:
        if item.kind is not DescriptorKind.UNIX or item.pid not in pids or item.inode in seen:
            continue
        if not item.inode or not item.peer_inode or item.peer_inode in ours:
            continue
        seen.add(item.inode)
        names = {} if isinstance(processes, Gap) else processes
        peers = [f"{names[pid].command} {pid}" if pid in names else str(pid) for pid in item.peer_pids]
        yield Problem(
            Severity.ERROR,
            process_subject(item.pid, processes),
            f"Descriptor {item.fd} is a unix socket connected to {listed(peers) or 'a process that cannot be seen'}, "
            "which is not part of what is dumped: CRIU refuses this unless it is told that the socket is external.",
            facts={"fd": item.fd, "inode": item.inode, "peer_inode": item.peer_inode, "peer_pids": item.peer_pids},
            quotes=(Quote("descriptors", f"{item.pid} fd {item.fd} -> {item.target}"),),
            fixes=(
                Fix("Let the program close this connection before the dump."),
                Fix(f"Or add to the dump: --external unix[{item.inode}]"),
            ),
        )
