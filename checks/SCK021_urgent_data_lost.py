"""An urgent byte waits in a connection; it, and all that came after it, will be lost.

What it looks at
----------------
Connections of the process tree in which poll(2) tells of urgent data (POLLPRI), and how many bytes of the receive
queue lie behind it.

Why it matters
--------------
CRIU asks the kernel how much can be read, and the kernel counts up to the urgent byte. What lies behind it was
acknowledged to the peer and is not saved: the restored program reads on as if these bytes had never been sent.
Nothing says so.

What to do
----------
Try again when the program has read past the urgent byte. telnet, rlogin and FTP control connections send such bytes
on an interrupt.

When it is wrong
----------------
The program has read it since this was looked at.

References
----------
soccr/soccr.c (refresh_sk, SIOCINQ); net/ipv4/tcp.c (tcp_inq_hint, tcp_ioctl); RFC 6093.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK021"
NAME = "urgent-data-lost"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each connection."""
    for verdict in caused(verdicts, NAME):
        yield problem(verdict, processes, Fix("Try again when the program has read what waits."))
