"""The local address of a dumped connection is not on this host or in this network namespace.

What it looks at
----------------
A refused bind with EADDRNOTAVAIL while an inet socket is restored, by CRIU itself or by libsoccr; no route to the
peer; a device that a socket was bound to and that is not there.

Why it matters
--------------
A connection keeps both of its addresses. In a new pod, a new container or on another host the address is usually
another one, and the socket cannot be bound to the old one.

What to do
----------
Put the recorded address on an interface of the namespace before the restore, or drop the connections with
--tcp-close. Let sockets that serve only the container itself bind to 127.0.0.1 or to 0.0.0.0.

When it is wrong
----------------
An IPv4 socket with IP_FREEBIND that was bound to an address which the host never had fails here too: CRIU sets the
option only after the bind. For IPv6 addresses that are there but not ready see ipv6-address-not-ready.

References
----------
criu/sk-inet.c (inet_bind), soccr/soccr.c (libsoccr_set_sk_data_noq); bind(2).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import EADDRNOTAVAIL, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG011"
NAME = "ip-missing"
SINCE = "0.1"

CAUSE = Cause(
    "A socket could not be bound: the local address that it had at the dump does not exist on this host or in this "
    "network namespace.",
    (
        Sign("Can't bind inet socket", rf"{EADDRNOTAVAIL}"),
        Sign(
            "Can't connect inet socket back",
            r"Network (?:is )?unreachable|No route to host|Host is unreachable",
            message="A connection could not be rebuilt: from this host or network namespace no route leads to its "
            "peer.",
        ),
        Sign(
            "Can't connect inet socket back",
            "Invalid argument",
            weight=Weight.HINT,
            message="A connection could not be rebuilt: its two addresses do not go together here, as with a "
            "loopback address and a remote peer.",
        ),
        Sign(
            "couldn't find ifindex for",
            r"couldn't find ifindex for (?P<interface>\S+)",
            message="A socket is tied to a network interface that is not here.",
        ),
        Sign(
            ("Can't set 1:25", "an't get bound dev"),
            "No such device",
            message="A socket is tied to a network interface that is not here.",
        ),
        Sign(file="sk-inet.c", form=EADDRNOTAVAIL, weight=Weight.HINT),
    ),
    joined(
        advice(
            "Assign the recorded address before the restore: `ip addr add ADDRESS/32 dev DEVICE` in the network "
            "namespace.",
            podman="Restore without --ignore-static-ip and without --name, so that the container gets its old "
            "address; or restore with --tcp-close.",
            kubernetes="A new pod gets a new address: restore with --tcp-close, and let internal sockets bind to "
            "127.0.0.1.",
        ),
        handing_over("tcp-close", podman="--tcp-close"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
