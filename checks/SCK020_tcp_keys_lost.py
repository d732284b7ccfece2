"""A connection is signed (TCP-MD5 or TCP-AO), and CRIU does not save its keys.

What it looks at
----------------
Whether connections of the process tree have keys of TCP-MD5 (told by sock_diag) or TCP-AO (TCP_AO_INFO). The keys
themselves are not read. BGP daemons use them.

Why it matters
--------------
The dump and the restore succeed, but the restored socket signs nothing. Its peer drops every segment without an
answer, and so does the restored end with the peer's: the connection is dead, and each side finds out when its
retransmissions or its hold timer run out.

What to do
----------
Let the program set the keys again right after the restore (setsockopt TCP_MD5SIG works on a connected socket), or
close the connection before the dump.

When it is wrong
----------------
The program sets the keys again by itself, before the peer gives up.

References
----------
criu/sk-tcp.c (no mention of keys); net/ipv4/tcp_ipv4.c (tcp_inbound_hash); RFC 2385, RFC 5925.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK020"
NAME = "tcp-keys-lost"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each connection."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict,
            processes,
            Fix("Let the program set the keys again at once after the restore."),
            Fix("Or close the connection before the dump."),
        )
