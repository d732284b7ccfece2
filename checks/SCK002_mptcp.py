"""A socket of the process tree is multipath TCP, which CRIU cannot dump.

What it looks at
----------------
The protocol of each socket of the process tree that is to be dumped.

Why it matters
--------------
CRIU refuses multipath TCP (`Unsupported proto 262`). Many programs use it without knowing: listeners of programs
built with Go 1.24 or newer are multipath by default, where the kernel allows it.

What to do
----------
Start the program with multipath TCP off: `GODEBUG=multipathtcp=0` for Go, or `sysctl net.mptcp.enabled=0` in its
network namespace before it starts. A socket that is open already cannot be changed.

When it is wrong
----------------
Never known to be wrong: the kernel tells the protocol.

References
----------
criu/sk-inet.c (can_dump_ipproto); Go 1.24 release notes, net; mptcp(7).
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import process_subject, socket_subject
from workbench.checking.targets import dumped, dumped_sockets
from workbench.evidence import Descriptor, DescriptorKind, Gap, Process, Socket, Target

CODE = "SCK002"
NAME = "mptcp"
SINCE = "0.1"


def check(
    descriptors: tuple[Descriptor, ...],
    sockets: Sequence[Socket] | Gap,
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each multipath socket."""
    seen: set[int] = set()
    if not isinstance(sockets, Gap):
        for socket in dumped_sockets(sockets, target):
            if socket.mptcp:
                seen.add(socket.inode)
                yield _problem(socket_subject(socket), str(socket.local))
    for item in descriptors:
        if item.kind is DescriptorKind.MPTCP and item.pid in dumped(target) and item.inode not in seen:
            yield _problem(process_subject(item.pid, processes), f"descriptor {item.fd} of process {item.pid}")


def _problem(subject: Subject, what: str) -> Problem:
    return Problem(
        Severity.ERROR,
        subject,
        f"The socket {what} is multipath TCP, and CRIU refuses to dump those (`Unsupported proto 262`).",
        quotes=(Quote("sockets", f"{what} mptcp"),),
        fixes=(
            Fix("Restart the program with multipath TCP off; for a Go program: GODEBUG=multipathtcp=0."),
            Fix("Or forbid it in the network namespace before the program starts.", ("sysctl", "net.mptcp.enabled=0")),
        ),
    )
