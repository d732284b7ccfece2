"""Closed sockets without a process keep retransmitting to a peer that does not answer.

What it looks at
----------------
Sockets without an owner in FIN_WAIT1, LAST_ACK or CLOSING with at least three unanswered retransmissions, ten or more
of them in one network namespace.

Why it matters
--------------
Their programs have ended and the kernel still tries to deliver the last data and the FIN. Many of them at once mean
that somebody drops the packets: a forgotten lock, a firewall, an address that was moved. They hold memory
(tcp_max_orphans), and their 4-tuples cannot be restored into.

What to do
----------
Look for what drops the packets; the other findings about this namespace may name it. They end by themselves after
tcp_orphan_retries.

When it is wrong
----------------
Peers that vanished from the network by the dozen, such as mobile clients.

References
----------
tcp(7), tcp_orphan_retries, tcp_max_orphans.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import listed, namespace_name
from workbench.evidence import Gap, NetworkNamespace, Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose

CODE = "SCK008"
NAME = "orphans-retransmit"
SINCE = "0.1"

MANY = 10
UNANSWERED = 3
CLOSING = {TcpState.FIN_WAIT1, TcpState.LAST_ACK, TcpState.CLOSING}


def check(sockets: Sequence[Socket], namespaces: tuple[NetworkNamespace, ...] | Gap) -> Iterator[Problem]:
    """One problem for each namespace."""
    found: dict[int, list[Socket]] = defaultdict(list)
    for socket in choose(sockets, Choice(states=CLOSING, retransmits=UNANSWERED)):
        if not socket.holders:
            found[socket.netns].append(socket)
    for netns, orphans in found.items():
        if len(orphans) < MANY:
            continue
        place = namespace_name(netns, namespaces)
        yield Problem(
            Severity.WARNING,
            Subject("netns", place, {"netns": netns}),
            f"{len(orphans)} sockets in {place} have no process any more and get no answer to their last packets "
            f"({listed(socket.connection for socket in orphans)}): something drops the packets.",
            facts={"orphans": len(orphans)},
            quotes=tuple(
                Quote("sockets", f"{socket.connection} {socket.state.name} retransmits {socket.retransmits}")
                for socket in orphans[:3]
            ),
            fixes=(Fix("Find out what drops the packets to these peers."),),
            follows=("netlock-leftover", "netlock-half"),
        )
