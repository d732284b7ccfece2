"""Tracked TCP connections of each network namespace, by ctnetlink (net/netfilter/nf_conntrack_netlink.c)."""

import socket
from collections.abc import Iterator, Sequence
from functools import partial

from workbench.collect import nfnetlink
from workbench.collect.kernel_parts import is_present
from workbench.collect.procfs import read
from workbench.collect.within import NamespaceEndedError, within
from workbench.evidence import Connection, ConntrackEntry, Endpoint, Gap, NetworkNamespace

ENTRIES_AT_MOST = 20_000
"""In one namespace; a gateway tracks millions."""

_GET = 1
_TRIES = 3
_TUPLE_ORIGINAL, _TUPLE_REPLY, _STATUS, _PROTOCOL_STATE, _TIMEOUT, _MARK = 1, 2, 3, 4, 7, 8
_ASSURED = 1 << 2
_STATES = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
)  # fmt: skip


def collect_conntrack(
    namespaces: Sequence[NetworkNamespace],
) -> tuple[tuple[ConntrackEntry, ...] | Gap, tuple[Gap, ...]]:
    """TCP entries of every namespace that tracks connections.

    A kernel without connection tracking has no entries: asking it would load the module, so it is not asked.
    A gap for each namespace that could not be read, or has too many entries; a Gap alone if none could be read.
    """
    found: list[ConntrackEntry] = []
    gaps: list[Gap] = []
    read_any = False
    if not is_present("nf_conntrack", "nf_conntrack_in"):
        return (), ()
    if not is_present("nf_conntrack_netlink", "ctnetlink_get_conntrack"):
        return Gap("conntrack", "connections are tracked but cannot be listed", "modprobe nf_conntrack_netlink"), ()
    for namespace in namespaces:
        try:
            entries = within(namespace, partial(_look, namespace.inode))
        except NamespaceEndedError:
            continue
        except OSError as error:
            remedy = "run as root" if isinstance(error, PermissionError) else ""
            gaps.append(Gap("conntrack", f"cannot be listed: {error.strerror}", remedy, namespace.inode))
            continue
        read_any = True
        found.extend(entries[:ENTRIES_AT_MOST])
        if len(entries) > ENTRIES_AT_MOST:
            gaps.append(Gap("conntrack", f"only {ENTRIES_AT_MOST} entries were read", "", namespace.inode))
    if gaps and not read_any:
        return Gap("conntrack", gaps[0].reason, gaps[0].remedy), ()
    return tuple(found), tuple(gaps)


def _look(netns: int) -> list[ConntrackEntry]:
    # A listing walks the hash table of all namespaces; the count of this one costs nothing.
    if (read("/proc/sys/net/netfilter/nf_conntrack_count") or b"").strip() == b"0":
        return []
    entries: list[ConntrackEntry] = []
    for _ in range(_TRIES):
        entries = []
        try:
            with nfnetlink.open_socket() as opened:
                for entry in _entries(netns, opened):
                    entries.append(entry)
                    if len(entries) > ENTRIES_AT_MOST:
                        return entries
            return entries
        except nfnetlink.DumpInterruptedError:
            continue
    return entries


def _entries(netns: int, opened: socket.socket) -> Iterator[ConntrackEntry]:
    for _, message in nfnetlink.dump(opened, nfnetlink.SUBSYSTEM_CONNTRACK, _GET):
        fields = dict(nfnetlink.attributes(message))
        connection = _tcp_tuple(fields.get(_TUPLE_ORIGINAL, b""))
        if connection is None:
            continue
        state = dict(nfnetlink.attributes(dict(nfnetlink.attributes(fields.get(_PROTOCOL_STATE, b""))).get(1, b"")))
        number = state.get(1, b"\xff")[0]
        timeout = fields.get(_TIMEOUT)
        reply = _tcp_tuple(fields.get(_TUPLE_REPLY, b""))
        yield ConntrackEntry(
            netns,
            connection,
            _STATES[number] if number < len(_STATES) else None,
            int.from_bytes(timeout, "big") if timeout else None,
            bool(int.from_bytes(fields.get(_STATUS, b""), "big") & _ASSURED),
            int.from_bytes(fields.get(_MARK, b""), "big"),
            None if reply == connection.reversed else reply,
        )


def _tcp_tuple(value: bytes) -> Connection | None:
    """CTA_TUPLE_IP (1: addresses by type 1 to 4) and CTA_TUPLE_PROTO (2: number, source port, destination port)."""
    parts = dict(nfnetlink.attributes(value))
    addresses = dict(nfnetlink.attributes(parts.get(1, b"")))
    protocol = dict(nfnetlink.attributes(parts.get(2, b"")))
    if protocol.get(1) != bytes([socket.IPPROTO_TCP]):
        return None
    family, source, destination = (socket.AF_INET, 1, 2) if 1 in addresses else (socket.AF_INET6, 3, 4)
    try:
        ends = [
            Endpoint(socket.inet_ntop(family, addresses[kind]), int.from_bytes(protocol[port], "big"))
            for kind, port in ((source, 2), (destination, 3))
        ]
    except (KeyError, ValueError):
        return None
    return Connection(ends[0], ends[1])
