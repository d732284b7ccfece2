"""A process has a socket of a kind that this CRIU cannot dump.

What it looks at
----------------
Refusals that name a protocol, a family or a type: SCTP (132), ICMP (1), raw (255), DCCP; corked UDP; packet sockets
that the installed libnl cannot read; netlink sockets with unread data; vsock, Bluetooth, AF_ALG.

Why it matters
--------------
CRIU knows how to rebuild TCP, UDP, UNIX, packet, raw and netlink sockets, each from a certain version on. What it
does not know it refuses, so that nothing is lost silently.

What to do
----------
Stop the user of that socket before the dump, or let it close the socket. For raw and ICMP sockets use CRIU 3.12 and
4.2 or later; for packet sockets a current libnl; for a netlink socket with unread data try again.

When it is wrong
----------------
For a packet or raw socket the reason may be a missing diag module of the kernel (sock-diag-missing).

References
----------
criu/sk-inet.c (can_dump_ipproto, can_dump_inet_sk), criu/sk-packet.c, criu/sk-netlink.c, criu/sk-unix.c.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG006"
NAME = "unsupported-socket-type"
SINCE = "0.1"

CAUSE = Cause(
    "A process has a socket of a kind that this CRIU cannot dump.",
    (
        Sign(
            "Unsupported proto ",
            r"Unsupported proto (?P<protocol>132|IPPROTO_SCTP|SCTP)",
            message="A process has an SCTP socket (protocol 132); CRIU has no support for SCTP.",
        ),
        Sign(
            "Unsupported proto ",
            r"Unsupported proto (?P<protocol>1|58|255|IPPROTO_(?:ICMP|ICMPV6|RAW)) ",
            message="A process has a raw or ICMP socket, which this version of CRIU cannot dump.",
        ),
        Sign("Unsupported proto ", r"Unsupported proto (?P<protocol>(?!262|IPPROTO_MPTCP)\w+)"),
        Sign(
            (
                "The socket has data to read",
                "is bound to groups but not to portid",
                "Groups above 32 are not",
                "more than 32 groups",
            ),
            message="A process has a netlink socket that CRIU cannot dump as it is: messages wait in it unread, or "
            "it has groups that CRIU does not know.",
        ),
        Sign(
            ("No packet sock info in nlm", "No packet sock mclist in nlm", "Can't find packet socket"),
            message="A process has a packet socket (a sniffer, a DHCP client), and CRIU could not read its state "
            "from the kernel: the installed libnl is too old.",
        ),
        Sign(
            (
                "Only stream, dgram and raw",
                "Only stream and dgram",
                "Only stream/dgram",
                "Can't dump corked dgram socket",
                "Multiple MC membership not supported",
                "BUG! Unknown socket collected",
                "Unsupported socket family",
                "Unsupported socket type",
                "Control messages in queue, not supported",
                "Unsupported scm",
                "unix: Unsupported type",
                "unix: Unsupported state",
            )
        ),
        Sign(
            ("an't get socket filter len", "an't restore filter"),
            message="A socket has a packet filter that CRIU cannot save or set again: the kernel does not give back "
            "one that is written in eBPF.",
        ),
        Sign("Can't dump file", r"of that type \[14\d+\]|socket:\["),
        Sign(file="sk-netlink.c sk-packet.c sk-queue.c", weight=Weight.PLACE),
    ),
    advice(
        "Stop the program that uses the socket before the dump, or let it close the socket; `ss -a` in its network "
        "namespace shows who that is.",
        "Use the newest CRIU: raw sockets since 3.12, ICMP sockets since 4.2; for netlink with unread data just try "
        "again.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
