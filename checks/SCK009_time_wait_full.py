"""The host holds as many connections in TIME_WAIT as it is allowed to.

What it looks at
----------------
Sockets in TIME_WAIT in each network namespace, and its limit `net.ipv4.tcp_max_tw_buckets`.

Why it matters
--------------
Beyond the limit the kernel drops connections at once instead of waiting, so that late packets of an old connection
may meet a new one with the same 4-tuple; and a restore that binds to such a tuple without repair mode (`--tcp-close`,
listeners) fails with `Address already in use` for a minute.

What to do
----------
Let the end that does not mind close first, reuse connections, or raise the limit.

When it is wrong
----------------
A benchmark that just ended.

References
----------
tcp(7), tcp_max_tw_buckets; RFC 1337.
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import namespace_name
from workbench.evidence import Gap, NetworkNamespace, Socket, Sysctl, TcpState
from workbench.evidence.socket_choice import count_by_netns

CODE = "SCK009"
NAME = "time-wait-full"
SINCE = "0.1"

NEARLY = 0.9
LIMIT = "net.ipv4.tcp_max_tw_buckets"


def check(
    sockets: Sequence[Socket],
    sysctls: tuple[Sysctl, ...],
    namespaces: tuple[NetworkNamespace, ...] | Gap,
) -> Iterator[Problem]:
    """One problem for each namespace."""
    limits = {item.netns: int(item.value) for item in sysctls if item.name == LIMIT and item.value.isdecimal()}
    for netns, number in count_by_netns(sockets, TcpState.TIME_WAIT).items():
        limit = limits.get(netns, 0)
        if not limit or number < NEARLY * limit:
            continue
        place = namespace_name(netns, namespaces)
        yield Problem(
            Severity.NOTE,
            Subject("netns", place, {"netns": netns}),
            f"{number} connections are in TIME_WAIT in {place}, where {limit} are allowed: old connections are "
            "forgotten too early, and late packets of them may meet new ones.",
            facts={"time_wait": number, "limit": limit},
            quotes=(Quote("sockets", f"{number} sockets in TIME_WAIT"), Quote("sysctls", f"{LIMIT} = {limit}")),
            fixes=(Fix("Raise the limit.", ("sysctl", f"{LIMIT}={2 * limit}")),),
        )
