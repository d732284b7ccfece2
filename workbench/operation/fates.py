"""What will become of each socket of a tree that is dumped."""

from collections.abc import Iterable, Iterator

from workbench.evidence import Descriptor, DescriptorKind, Lock, Socket, TcpState
from workbench.operation.plan import SocketFate
from workbench.operation.request import DumpRequest, LockMethod, Policy
from workbench.present.text import printable

_WITHOUT_PEER = {TcpState.LISTEN, TcpState.CLOSE, TcpState.BOUND_INACTIVE}
_KEPT = {
    TcpState.ESTABLISHED: "kept: sequence numbers, both queues and options are dumped",
    TcpState.SYN_SENT: "its connection attempt begins anew at the restore",
}
_CLOSING = "kept in its closing state; at the restore CRIU play-acts the FINs again"
_REFUSED = {
    DescriptorKind.MPTCP: "multipath TCP: CRIU refuses it (GODEBUG=multipathtcp=0, or sysctl net.mptcp.enabled=0)",
    DescriptorKind.SCTP: "SCTP: CRIU refuses it",
    DescriptorKind.OTHER_SOCKET: "a kind of socket that CRIU does not know: it will refuse it",
}
_OTHERS = {
    DescriptorKind.UDP: "restored with its addresses; datagrams that were not read are lost",
    DescriptorKind.RAW: "restored; packets that were not read are lost",
    DescriptorKind.PACKET: "restored; packets that were not read are lost",
    DescriptorKind.NETLINK: "restored; refused if data waits in it",
}


def is_connection(socket: Socket) -> bool:
    """Whether CRIU locks and repairs it: it has a peer and is not closed."""
    return socket.peer.port != 0 and socket.state not in _WITHOUT_PEER


def tcp_fate(socket: Socket, request: DumpRequest, unaccepted: int, locks: Iterable[Lock] = ()) -> SocketFate:
    """``unaccepted``: connections that wait in its accept queue; ``locks``: those that hold it back already."""
    title = printable(_title(socket))
    if socket.mptcp:
        return SocketFate(socket, title, _REFUSED[DescriptorKind.MPTCP], blocks=True)
    if socket.ulp and socket.ulp != "mptcp":
        fate = f"{printable(socket.ulp)} on top of it is not dumped: the queues would be wrong"
        return SocketFate(socket, title, fate, blocks=request.policy is Policy.KEEP, warning=True)
    if socket.state is TcpState.LISTEN:
        return _listening(socket, title, request, unaccepted)
    if not is_connection(socket):
        return SocketFate(socket, title, "restored without a peer" + (", bound" if socket.local.port else ""))
    if request.policy is Policy.CLOSE:
        ending = "stays open here; a later restore gives it back closed" if request.leave_running else "closed"
        return SocketFate(socket, title, f"{ending}: its peer sees a FIN or a reset", warning=True)
    fate = _KEPT.get(socket.state, _CLOSING)
    standing = next(iter(locks), None)
    if standing is not None:
        fate += f"; the lock {printable(standing.name)} holds it back already: lift that first (workbench locks)"
        return SocketFate(socket, title, fate, warning=True)
    if request.lock is LockMethod.SKIP:
        fate += "; nothing holds its packets back meanwhile: whoever sends gets a reset"
        return SocketFate(socket, title, fate, warning=not request.leave_running)
    return SocketFate(socket, title, fate)


def _listening(socket: Socket, title: str, request: DumpRequest, unaccepted: int) -> SocketFate:
    waiting = max(unaccepted, socket.recv_q)
    if not waiting:
        new = "" if request.leave_running else "; who connects in between is refused (a lock covers connections only)"
        return SocketFate(socket, title, f"restored listening{new}")
    clients = f"{waiting} connection{'s' if waiting > 1 else ''} not yet accepted"
    if request.skip_in_flight:
        return SocketFate(socket, title, f"restored listening; {clients} will be reset", warning=True)
    fate = f"{clients}: CRIU refuses this; dump again when accepted, or lose them with --skip-in-flight"
    return SocketFate(socket, title, fate, blocks=True)


def _title(socket: Socket) -> str:
    ends = str(socket.connection) if socket.peer.port else str(socket.local)
    return f"{ends} {socket.state.name}"


def other_fates(
    descriptors: Iterable[Descriptor], tree: frozenset[int], ext_unix_sk: bool, tcp: frozenset[int] = frozenset()
) -> Iterator[SocketFate]:
    """Sockets other than TCP, each once; ``tcp``: inodes that are accounted for."""
    seen: set[int] = set(tcp)
    for each in descriptors:
        if each.inode is not None and each.inode in seen:
            continue
        fate = _other_fate(each, tree, ext_unix_sk)
        if fate is not None:
            seen.update({each.inode} if each.inode is not None else ())
            yield fate


def _other_fate(each: Descriptor, tree: frozenset[int], ext_unix_sk: bool) -> SocketFate | None:
    title = printable(f"{each.kind.value} {each.target} (process {each.pid}, descriptor {each.fd})")
    if each.kind in _REFUSED:
        return SocketFate(None, title, _REFUSED[each.kind], blocks=True)
    if each.kind is DescriptorKind.UNIX:
        return _unix_fate(each, title, tree, ext_unix_sk)
    if each.kind in _OTHERS:
        return SocketFate(None, title, _OTHERS[each.kind])
    return None


def outside(each: Descriptor, tree: frozenset[int]) -> tuple[int, ...]:
    """Who of the holders of the other end does not belong to the tree."""
    return tuple(pid for pid in each.peer_pids if pid not in tree)


def _unix_fate(each: Descriptor, title: str, tree: frozenset[int], ext_unix_sk: bool) -> SocketFate:
    others = outside(each, tree)
    if not each.peer_inode or not others:
        return SocketFate(None, title, "restored" if not each.peer_inode else "restored with its other end")
    whose = f"its other end is outside of the tree (process {others[0]})"
    if ext_unix_sk:
        fate = f"{whose}: connected again by name if it is a datagram socket, refused by CRIU if it is a stream"
        return SocketFate(None, title, fate, warning=True)
    return SocketFate(None, title, f"{whose}: CRIU refuses this without --ext-unix-sk", blocks=True)
