"""The lock that stands at the destination before the address comes, in the form that CRIU's restore will lift."""

from collections.abc import Iterable

from workbench.collect.netfilter.libnftables import run_nft
from workbench.collect.within import NamespaceEndedError, within
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, NetworkNamespace

_PREFIX_LENGTH = 21
"""Characters of the run id in the name of the table (criu/netfilter.c: nftables_get_table)."""
_MARK = "0xc114"


def table_name(run_id: str) -> str:
    return f"CRIU-{run_id[:_PREFIX_LENGTH]}"


def lock(connections: Iterable[Connection], run_id: str, namespace: NetworkNamespace) -> None:
    """Set it in one transaction. Raises WorkbenchError."""
    text = table_text(connections, run_id)
    try:
        within(namespace, lambda: run_nft(text))
    except NamespaceEndedError as ended:
        raise WorkbenchError(f"the network namespace at {namespace.path} has ended") from ended


def table_text(connections: Iterable[Connection], run_id: str) -> str:
    """As CRIU makes it (criu/netfilter.c: nftables_init_connection_lock), all elements at once."""
    wires = [each.unmapped for each in connections]
    lines = [f"table inet {table_name(run_id)} {{"]
    for name, kind, six in (("conns4", "ipv4_addr", False), ("conns6", "ipv6_addr", True)):
        ends = [each for each in wires if (":" in each.local.address) is six]
        lines.append(f"\tset {name} {{\n\t\ttype {kind} . inet_service . {kind} . inet_service")
        if ends:
            elements = ", ".join(element for each in ends for element in (_element(each), _element(each.reversed)))
            lines.append(f"\t\telements = {{ {elements} }}")
        lines.append("\t}")
    for hook in ("output", "input"):
        lines += [
            f"\tchain {hook} {{",
            f"\t\ttype filter hook {hook} priority filter; policy accept;",
            f"\t\tmeta mark {_MARK} accept",
            "\t\tip saddr . tcp sport . ip daddr . tcp dport @conns4 drop",
            "\t\tip6 saddr . tcp sport . ip6 daddr . tcp dport @conns6 drop",
            "\t}",
        ]
    return "\n".join((*lines, "}", ""))


def _element(connection: Connection) -> str:
    return " . ".join(f"{end.address} . {end.port}" for end in (connection.local, connection.peer))
