"""A netlink socket has answers that were not read, and CRIU refuses to dump it.

What it looks at
----------------
Netlink sockets of the process tree that is to be dumped, and whether something waits in them.

Why it matters
--------------
CRIU can make a netlink socket again, but not put messages into it, and refuses: `The socket has data to read`. A
program that subscribed to events (addresses, routes, devices) and is busy has some waiting.

What to do
----------
Try again when the program had time to read. Changes of addresses and routes just before a dump make such messages.

When it is wrong
----------------
The program has read them since this was looked at.

References
----------
criu/sk-netlink.c (dump_one_netlink_fd); netlink(7).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK018"
NAME = "netlink-unread"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Try again in a moment, when the program has read them."),
            then=" that the program has not read. CRIU refuses to dump it.",
        )
