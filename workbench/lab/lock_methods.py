"""Ways to hold the traffic of a connection back, each set and lifted on the server's host of a lab."""

import ctypes
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from workbench.collect.live import LiveSource
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, NetworkNamespace, Socket
from workbench.lab.classifier import CRIU_MARK, classifier
from workbench.lab.lab import Lab
from workbench.lab.namespaces import DEVICE
from workbench.lab.programs.arguments import endpoint
from workbench.operation.standstill import stop
from workbench.operation.task import Task, Tasks, descendants
from workbench.repair.borrow import borrow
from workbench.repair.constants import REPAIR_OFF_SILENT, REPAIR_ON, SO_RCVBUFFORCE, TCP_REPAIR

TABLE = "workbench_lab_lock"
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER (include/uapi/asm-generic/socket.h)."""


Hold = Callable[[Lab, Sequence[Socket]], AbstractContextManager[None]]
"""Set it for the server's ends of the connections, and lift it at the end."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way, and what is known of it: the comparison shows whether it is so."""

    name: str
    title: str
    hold: Hold
    leaks: bool = False
    """Segments of the connection get out."""
    reaches: bool | None = False
    """Data of the peer gets into the socket; None if that depends on its buffers."""


def sockets_on(*namespaces: NetworkNamespace) -> list[Socket]:
    """Connected sockets of hosts of a lab. Raises WorkbenchError if they cannot be listed."""
    diags = SockDiags()
    try:
        table, _ = SocketReader(diags).read(namespaces)
    finally:
        diags.close()
    if isinstance(table, Gap):
        raise WorkbenchError(table.reason, table.remedy)
    return [each for each in table if each.peer.port]


def ends_of(lab: Lab) -> list[Socket]:
    """The server's ends of its connections, each with who has it open."""
    source = LiveSource({"sockets"})
    try:
        table = source.evidence().sockets
    finally:
        source.close()
    if isinstance(table, Gap):
        raise WorkbenchError(table.reason, table.remedy)
    ours = set(lab.connections)
    found = [each for each in table if each.netns == lab.host.inode and each.connection in ours]
    if len(found) < len(ours) or any(each.pid is None for each in found):
        raise WorkbenchError(f"{len(found)} of {len(ours)} connections of the lab are there, not all with an owner")
    return found


def _rules(connections: Sequence[Connection], verb: str) -> str:
    """For iptables-restore: two rules a connection, as CRIU makes them (criu/netfilter.c), in one transaction."""
    lines = ["*filter"]
    for each in connections:
        for chain, way in (("INPUT", each.reversed), ("OUTPUT", each)):
            lines.append(
                f"{verb} {chain} -p tcp -s {way.local.address} --sport {way.local.port} -d {way.peer.address}"
                f" --dport {way.peer.port} -m mark ! --mark {CRIU_MARK:#x} -j DROP"
            )
    return "\n".join((*lines, "COMMIT", ""))


def _iptables(program: str) -> Hold:
    @contextmanager
    def hold(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
        connections = [each.connection for each in ends]
        lab.host.inside(program, "--noflush", text=_rules(connections, "-I"))
        try:
            yield
        finally:
            lab.host.inside(program, "--noflush", text=_rules(connections, "-D"))

    return hold


@contextmanager
def _nftables(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
    """A table with a set, as CRIU makes it, in one transaction."""
    elements = ", ".join(
        f"{way.local.address} . {way.local.port} . {way.peer.address} . {way.peer.port}"
        for each in ends
        for way in (each.connection, each.connection.reversed)
    )
    rule = f"ip saddr . tcp sport . ip daddr . tcp dport @held meta mark != {CRIU_MARK:#x} drop"
    chains = "\n".join(
        f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}" for hook in ("input", "output")
    )
    text = (
        f"table inet {TABLE} {{\nset held {{ type ipv4_addr . inet_service . ipv4_addr . inet_service;\n"
        f"elements = {{ {elements} }}; }}\n{chains}\n}}\n"
    )
    lab.host.inside("nft", "-f", "-", text=text)
    try:
        yield
    finally:
        lab.host.inside("nft", "delete", "table", "inet", TABLE)


@contextmanager
def _borrowed(ends: Sequence[Socket]) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(borrow(each.pid, each.fd, each.inode))
            for each in ends
            if each.pid is not None and each.fd is not None
        ]


@contextmanager
def _socket_filter(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
    """A classic filter that rejects everything, as it was tried in 2007."""
    reject = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # ret #0
    program = struct.pack("HxxxxxxQ", 1, ctypes.addressof(reject))
    with _borrowed(ends) as borrowed:
        for end in borrowed:
            end.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
        try:
            yield
        finally:
            for end in borrowed:
                end.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)


@contextmanager
def _classifier(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
    del ends  # of the port, whoever speaks to it
    with classifier(lab.host.namespace, DEVICE, endpoint(lab.scenario.server.listen)[1]):
        yield


@contextmanager
def _stopped(lab: Lab) -> Iterator[tuple[Task, ...]]:
    with Tasks(descendants(lab.server_pid)) as tasks:
        stop(tasks.all)
        try:
            yield tasks.all
        finally:
            tasks.signal(signal.SIGCONT)


@contextmanager
def _stop(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
    del ends
    with _stopped(lab):
        yield


@contextmanager
def _repair(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
    """Of a stopped owner only: one that runs sees its calls fail, and dies of it."""
    with _stopped(lab), _borrowed(ends) as borrowed:
        reuse = [end.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) for end in borrowed]
        for end in borrowed:
            end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
        try:
            yield
        finally:
            for end, before in zip(borrowed, reuse, strict=True):
                end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_SILENT)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, before)


@contextmanager
def _zero_window(lab: Lab, ends: Sequence[Socket]) -> Iterator[None]:
    """The receive buffer of a stopped owner made as small as it gets: the next acknowledgement announces no window."""
    with _stopped(lab), _borrowed(ends) as borrowed:
        before = [end.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for end in borrowed]
        for end in borrowed:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        try:
            yield
        finally:
            for end, size in zip(borrowed, before, strict=True):
                end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size // 2)  # the kernel doubles what it is given


METHODS = (
    Method("nftables", "nftables table with a set", _nftables),
    Method("iptables-nft", "iptables rules, nftables behind them", _iptables("iptables-nft-restore")),
    Method("iptables-legacy", "iptables rules, legacy", _iptables("iptables-legacy-restore")),
    Method("tc-ebpf", "eBPF program at the device (tcx)", _classifier),
    Method("socket-filter", "socket filter that rejects everything", _socket_filter, leaks=True),
    Method("stop", "processes stopped, no lock", _stop, leaks=True, reaches=True),
    Method("repair", "stopped and in repair mode, no lock", _repair, leaks=True, reaches=True),
    Method("zero-window", "stopped, receive buffer shrunk to nothing", _zero_window, leaks=True, reaches=None),
)
