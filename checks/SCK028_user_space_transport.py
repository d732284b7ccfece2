"""Connections of a process live in its memory, over datagrams: QUIC, or another transport of its own.

What it looks at
----------------
UDP sockets of the process tree that are set up for a transport in user space: their datagrams may not be fragmented
(IP_MTU_DISCOVER is DO or PROBE, as RFC 9000, section 14, asks for), and they come with ECN marks (IP_RECVTOS,
IPV6_RECVTCLASS) or in batches (UDP_GRO, UDP_SEGMENT).

Why it matters
--------------
No queue of the kernel holds these connections, no lock of CRIU knows them, and none is needed: sequence numbers, keys
and what was not acknowledged are in the program's memory and so in its images. Only the socket must come back, with its
address. Datagrams that arrive meanwhile are lost, or answered with ICMP while nobody has the port, and are sent again;
the peers give up by the transport's own idle timeout, often 30 s, of which the kernel knows nothing.

What to do
----------
Restore within the idle timeout. The socket options that no image holds are told by a check of their own
(option-not-in-image): without them the library may send datagrams that are fragmented, or miss ECN marks.

When it is wrong
----------------
A program can ask for all of this without a transport of its own (measuring tools do). One that asks for none of it may
have one nevertheless. A stack behind a tun device is told as a device (device-fd-unsupported).

References
----------
RFC 9000, sections 10.1 and 14; ip(7), IP_MTU_DISCOVER; udp(7), UDP_GRO, UDP_SEGMENT. The idea is that of Mockets
(2002): the state of the transport is in the process and moves with it.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, problem
from workbench.evidence import Gap, Process

CODE = "SCK028"
NAME = "user-space-transport"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each socket."""
    for verdict in caused(verdicts, NAME):
        yield problem(
            verdict, processes, Fix("Restore it before the transport's own idle timeout is over (often 30 s).")
        )
