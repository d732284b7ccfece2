"""A socket of the process tree is of a kind that CRIU cannot dump.

What it looks at
----------------
The protocol of each socket of the process tree that is to be dumped: SCTP, and families that CRIU does not know at
all (vsock, AF_ALG, bluetooth, XDP, ...).

Why it matters
--------------
CRIU dumps TCP, UDP, unix, packet, raw and netlink sockets. It stops the whole dump at any other.

What to do
----------
Stop what uses that socket, or let the program close it, before the dump.

When it is wrong
----------------
A newer CRIU may know the kind: ICMP sockets came with 4.2.

References
----------
criu/sockets.c, criu/sk-inet.c (can_dump_ipproto).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import dumped
from workbench.evidence import Descriptor, DescriptorKind, Gap, Process, Target

CODE = "SCK003"
NAME = "unsupported-socket-type"
SINCE = "0.1"

KINDS = {
    DescriptorKind.SCTP: "an SCTP socket",
    DescriptorKind.OTHER_SOCKET: "a socket of a family that CRIU does not know",
}


def check(
    descriptors: tuple[Descriptor, ...],
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each such descriptor."""
    for item in descriptors:
        if item.kind not in KINDS or item.pid not in dumped(target):
            continue
        yield Problem(
            Severity.ERROR,
            process_subject(item.pid, processes),
            f"Descriptor {item.fd} is {KINDS[item.kind]}, and CRIU stops the dump at it.",
            facts={"fd": item.fd, "inode": item.inode},
            quotes=(Quote("descriptors", f"{item.pid} fd {item.fd} -> {item.target}"),),
            fixes=(Fix("Let the program close this socket, or stop what uses it, before the dump."),),
        )
