"""The very connection that is to be restored exists already on this host.

What it looks at
----------------
A refused connect with EADDRNOTAVAIL ("Can't connect inet socket back") after a bind that worked.

Why it matters
--------------
In repair mode connect sends nothing; the kernel only enters the four numbers (both addresses and ports) into its
table. EADDRNOTAVAIL then means that an entry with the same four numbers is there: the original, another copy, a
socket in SYN_SENT or TIME_WAIT.

What to do
----------
Look for it with `ss -tanp` and the two ports; end its owner, wait if it is in TIME_WAIT, or restore in a network
namespace of its own.

When it is wrong
----------------
On very old CRIU (before 2.11) the address may be missing instead: then the same message came for both.

References
----------
soccr/soccr.c (libsoccr_set_sk_data_noq); net/ipv4/inet_hashtables.c (__inet_check_established).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import EADDRINUSE, EADDRNOTAVAIL, Cause, Sign, problems
from workbench.evidence import LogDigest

CODE = "LOG015"
NAME = "tuple-in-use"
SINCE = "0.1"

CAUSE = Cause(
    "A connection could not be rebuilt: the same connection (both addresses, both ports) already exists on this "
    "host. The address is here, since the bind worked; another socket owns the connection.",
    (Sign("Can't connect inet socket back", rf"{EADDRNOTAVAIL}|{EADDRINUSE}"),),
    advice(
        "Find the other owner with `ss -tanp` and both ports, and end it (the original process, an earlier copy) "
        "before the restore.",
        "Or restore in a network namespace of its own.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
