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

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "SCK003"
NAME = "unsupported-socket-type"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each such descriptor."""
    for verdict in caused(verdicts, NAME):
        each = verdict.descriptor
        yield Problem(
            severity(verdict),
            subject(verdict, processes),
            f"{what(verdict).capitalize()} is {verdict.reason}, and stops the dump at it.",
            facts={"fd": each and each.fd, "inode": each and each.inode},
            quotes=quotes(verdict),
            fixes=(Fix("Let the program close this socket, or stop what uses it, before the dump."),),
        )
