"""A connection between link-local IPv6 addresses can be dumped, but not restored.

What it looks at
----------------
The connections of the process tree that is to be dumped, and whether their own address begins with fe80:.

Why it matters
--------------
A link-local address says nothing without its device. CRIU saves the device, but its library for TCP binds the
restored socket without it, and the kernel refuses (`Can't bind inet socket back: Invalid argument`). The dump
succeeds and the process ends, so that the loss shows only at the restore. A listening socket or a UDP socket on such
an address comes back without trouble.

What to do
----------
Let both ends use addresses of another scope (fd00::/8, or global ones), or close these connections before the dump,
or dump with --tcp-close.

When it is wrong
----------------
A CRIU whose library takes the device along; none does up to 4.2.1.

References
----------
soccr/soccr.c (libsoccr_set_sk_data_noq); criu/sk-inet.c (do_dump_one_inet_fd); RFC 4007.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "SCK012"
NAME = "link-local-connection"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each connection."""
    for verdict in caused(verdicts, NAME):
        yield Problem(
            severity(verdict),
            subject(verdict, processes),
            f"{what(verdict)} is {verdict.reason}. The dump would succeed and no restore after it.",
            facts=verdict.facts,
            quotes=quotes(verdict),
            fixes=(
                Fix("Connect over an address of another scope, or close this connection before the dump."),
                Fix("Or drop all connections: dump and restore with --tcp-close."),
            ),
        )
