"""What will become of each socket of a tree that is dumped: the verdict on it, and what the request makes of that."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.descriptors import SOCKETS
from workbench.checking.survival.options import VITAL
from workbench.checking.survival.tcp import is_connection
from workbench.evidence import Lock, Socket
from workbench.operation.plan import SocketFate
from workbench.operation.request import DumpRequest, LockMethod, Policy
from workbench.present.text import printable

_WAYS_OUT = {
    "mptcp": "GODEBUG=multipathtcp=0, or sysctl net.mptcp.enabled=0",
    "tcp-in-flight": "dump again when accepted, or lose them with --skip-in-flight",
    "socket-shared-outside": "dump the tree that all of them belong to",
    "link-local-connection": "close it first, or dump with --tcp-close",
    "address-not-on-host": "add the address first",
    "socket-of-other-namespace": "let the program close it first",
    "bpf-socket-filter": "let the program detach it first",
    "unix-external-peer": "let the program close it, or dump the other process, too",
    "unsupported-socket-type": "stop what uses it first",
    "netlink-unread": "try again in a moment",
    "udp-corked": "try again in a moment",
}
_FATAL_LOSSES = frozenset({"upper-layer-protocol"})
"""The connection does not survive in any useful way: no obstacle only if it is to be closed anyway."""

_OF_WAITING = frozenset({"peer-gives-up", "lock-misses-connection"})
"""What befalls a connection while it waits for the restore."""


@dataclass(frozen=True, slots=True)
class _Fate:
    """One clause of a fate."""

    text: str
    blocks: bool = False
    warning: bool = False


def socket_fates(
    verdicts: Iterable[Verdict], request: DumpRequest, held: Callable[[Socket], Lock | None]
) -> Iterator[SocketFate]:
    """Each socket once, TCP first as it was judged; ``held``: the lock that holds a connection back already."""
    groups: dict[tuple[str, int | None, int], list[Verdict]] = {}
    for each in verdicts:
        if each.socket is not None:
            groups.setdefault(("tcp", each.socket.inode, each.socket.cookie), []).append(each)
        elif each.descriptor is not None and each.descriptor.kind in SOCKETS:
            groups.setdefault(("other", each.descriptor.inode, each.descriptor.pid), []).append(each)
    for group in groups.values():
        fates = [*_fates(group, request, held)]
        text = "; ".join(dict.fromkeys(each.text for each in fates))
        yield SocketFate(
            group[0].socket,
            printable(_title(group[0])),
            printable(text),
            blocks=any(each.blocks for each in fates),
            warning=any(each.warning for each in fates),
        )


def _fates(group: Sequence[Verdict], request: DumpRequest, held: Callable[[Socket], Lock | None]) -> Iterator[_Fate]:
    socket = group[0].socket
    closing = socket is not None and is_connection(socket) and request.policy is Policy.CLOSE
    for each in group:
        if each.answer is Answer.REFUSED:
            yield _Fate(f"{each.reason}: CRIU refuses this{_way_out(each)}", blocks=True)
        elif each.answer is Answer.STRANDS and not closing:
            text = f"{each.reason}: it could be dumped, but not restored{_way_out(each)}"
            yield _Fate(text, blocks=not request.leave_running, warning=True)
        elif each.answer is Answer.LOSES and not (closing and each.cause in _OF_WAITING):
            yield _loss(each, closing=closing)
        elif each.answer is Answer.UNKNOWN:
            yield _Fate(each.reason)
    if any(each.answer is Answer.REFUSED for each in group):
        return
    if socket is not None and is_connection(socket):
        yield from _connection(group, socket, request, held(socket))
    else:
        for each in group:
            if each.answer in {Answer.OK, Answer.NEEDS} and each.reason:
                yield _Fate(each.reason + _meanwhile(each, request), warning=each.option == "--ext-unix-sk")


def _way_out(verdict: Verdict) -> str:
    way = _WAYS_OUT.get(verdict.cause)
    return f" ({way})" if way else ""


def _loss(verdict: Verdict, *, closing: bool) -> _Fate:
    options = verdict.facts.get("options")
    if isinstance(options, dict) and options:
        return _Fate(verdict.reason, warning=bool(VITAL & options.keys()) and not closing)
    return _Fate(verdict.reason, blocks=verdict.cause in _FATAL_LOSSES and not closing, warning=True)


def _connection(group: Sequence[Verdict], socket: Socket, request: DumpRequest, lock: Lock | None) -> Iterator[_Fate]:
    if request.policy is Policy.CLOSE:
        ending = "stays open here; a later restore gives it back closed" if request.leave_running else "closed"
        seen = f"a reset ({socket.recv_q} bytes are unread)" if socket.recv_q else "a FIN, or a reset if it writes"
        yield _Fate(f"{ending}: its peer sees {seen}", warning=True)
        return
    for each in group:
        if each.answer is Answer.NEEDS:
            yield _Fate(each.reason)
    if lock is not None:
        name = printable(lock.name)
        yield _Fate(f"the lock {name} holds it back already: lift that first (workbench locks)", warning=True)
    elif request.lock is LockMethod.SKIP:
        text = "nothing holds its packets back meanwhile: whoever sends gets a reset"
        yield _Fate(text, warning=not request.leave_running)


def _meanwhile(verdict: Verdict, request: DumpRequest) -> str:
    if verdict.reason != "restored listening" or request.leave_running:
        return ""
    return "; who connects in between is refused (a lock covers connections only)"


def _title(verdict: Verdict) -> str:
    if verdict.socket is not None:
        socket = verdict.socket
        return f"{socket.connection if socket.peer.port else socket.local} {socket.state.name}"
    each = verdict.descriptor
    assert each is not None
    return f"{each.kind.value} {each.target} (process {each.pid}, descriptor {each.fd})"
