"""Verdicts on sockets that the kernel does not list as TCP (criu/sk-inet.c, sk-unix.c, sk-netlink.c, sk-packet.c)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workbench.checking.survival.tcp import MPTCP, is_absent, option_verdicts
from workbench.checking.survival.verdict import Answer, Verdict
from workbench.evidence import BorrowedSocket, Descriptor, DescriptorKind

STREAM, DATAGRAM = 1, 2
_TCP = 6
_LISTED_ONLY = {1: "Unix socket not found", 17: "Can't find packet socket"}
"""Families that CRIU dumps from its list alone, and what it says of a socket that is not in it."""
_INET = {DescriptorKind.TCP, DescriptorKind.UDP, DescriptorKind.RAW}
_WHOLE, _NEVER_CUT = ("IP_MTU_DISCOVER", "IPV6_MTU_DISCOVER"), {2, 3}  # IP_PMTUDISC_DO, IP_PMTUDISC_PROBE
_TRANSPORT = ("IP_RECVTOS", "IPV6_RECVTCLASS", "UDP_GRO", "UDP_SEGMENT")
_OK = {
    DescriptorKind.UDP: "restored with its addresses",
    DescriptorKind.RAW: "restored",
    DescriptorKind.PACKET: "restored",
    DescriptorKind.NETLINK: "restored",
}
_LOST = {
    DescriptorKind.UDP: "datagrams that were not read are lost",
    DescriptorKind.RAW: "packets that were not read are lost",
    DescriptorKind.PACKET: "packets that were not read are lost",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What besides the socket itself decides; each absent where it is not known."""

    tree: frozenset[int] = frozenset()
    netns: int | None = None
    """Network namespace of the process that has it open."""
    addresses: frozenset[str] | None = None
    borrowed: BorrowedSocket | None = None
    inodes: frozenset[int] = frozenset()
    """Everything that the tree has open."""
    ext_unix_sk: bool = False
    """``--ext-unix-sk`` is given."""


def socket_verdicts(each: Descriptor, around: Surroundings) -> Iterator[Verdict]:
    """Every judgement on one socket, the plain one last; none for what is no socket."""
    for verdict in _verdicts(each, around):
        yield replace(verdict, descriptor=each)


def _verdicts(each: Descriptor, around: Surroundings) -> Iterator[Verdict]:
    asked = around.borrowed
    if each.kind is DescriptorKind.MPTCP:
        yield MPTCP
    elif each.kind is DescriptorKind.SCTP:
        yield _refused("SCTP", "Unsupported proto 132 for socket")
    elif each.kind is DescriptorKind.OTHER_SOCKET:
        yield _other(asked)
    elif asked is not None and _is_elsewhere(asked, around):
        yield _elsewhere(asked)
    elif each.kind is DescriptorKind.UNIX:
        yield from _unix(each, around)
    elif each.kind is DescriptorKind.TCP:
        yield from _unlisted(asked)
    elif each.kind in _OK:
        yield from _connectionless(each, around)


def _refused(kind: str, message: str) -> Verdict:
    return Verdict(Answer.REFUSED, "unsupported-socket-type", f"{kind}: CRIU does not know it", message)


def _other(asked: BorrowedSocket | None) -> Verdict:
    if asked is not None and (asked.family, asked.type) == (2, DATAGRAM) and asked.protocol == 1:
        return Verdict(Answer.OK, "", "restored (ICMP echo)")
    family = f"socket of family {asked.family}" if asked is not None else "socket of an unknown family"
    return _refused(f"a {family}", "BUG! Unknown socket collected")


def _is_elsewhere(asked: BorrowedSocket, around: Surroundings) -> bool:
    return None not in {asked.netns, around.netns} and asked.netns != around.netns


def _elsewhere(asked: BorrowedSocket) -> Verdict:
    """CRIU lists the sockets of its processes' namespaces; an inet socket that is not there it takes for a new one."""
    name = "socket-of-other-namespace"
    facts = {"netns": asked.netns}
    reason = f"it belongs to network namespace {asked.netns}, in which its process is not"
    if asked.protocol == _TCP and (asked.peer or asked.listening):
        return Verdict(Answer.REFUSED, name, reason, "Socket state obtained but expected", facts=facts)
    if asked.family in _LISTED_ONLY:
        return Verdict(Answer.REFUSED, name, reason, _LISTED_ONLY[asked.family], facts=facts)
    reason = f"it belongs to network namespace {asked.netns} and comes back in the one of its process"
    return Verdict(Answer.LOSES, name, reason, facts=facts)


def _unlisted(asked: BorrowedSocket | None) -> Iterator[Verdict]:
    """A TCP socket that no list of the kernel has: new, bound (before Linux 6.8), or closed by a reset."""
    if asked is not None:
        yield from option_verdicts(asked)
        if asked.readable and not asked.local.endswith(":0"):
            yield Verdict(
                Answer.NEEDS, "", "its connection was closed or reset; it is restored closed",
                "Connected TCP socket in image", "--tcp-established",
            )  # fmt: skip
            return
    yield Verdict(Answer.OK, "", "restored without a peer")


def _connectionless(each: Descriptor, around: Surroundings) -> Iterator[Verdict]:
    asked = around.borrowed
    if asked is None:
        yield Verdict(Answer.UNKNOWN, "", f"{_OK[each.kind]}, unless data waits in it: that could not be looked at")
        return
    if asked.options.get("UDP_CORK"):
        yield Verdict(
            Answer.REFUSED, "udp-corked", "it is corked (UDP_CORK): a datagram is being put together",
            "Can't dump corked dgram socket",
        )  # fmt: skip
    waiting = asked.readable or bool(asked.unread_memory)
    if waiting and each.kind is DescriptorKind.NETLINK:
        yield Verdict(Answer.REFUSED, "netlink-unread", "answers wait in it", "The socket has data to read")
    elif waiting:
        yield Verdict(
            Answer.LOSES, "datagrams-lost", _LOST[each.kind],
            "Read queue is dropped for socket" if each.kind is DescriptorKind.UDP else "",
            facts={"memory": asked.unread_memory},
        )  # fmt: skip
    if each.kind in _INET:
        yield from option_verdicts(asked)
        yield from _bound(each, asked, around)
    if each.kind is DescriptorKind.UDP and _bears_a_transport(asked):
        yield Verdict(
            Answer.OK, "user-space-transport",
            "restored with its addresses; connections over it (QUIC or the like) are in the program's memory, and come"
            " back with that",
            facts={name: asked.options[name] for name in (*_WHOLE, *_TRANSPORT) if asked.options.get(name)},
        )  # fmt: skip
    else:
        yield Verdict(Answer.OK, "", _OK[each.kind])


def _bears_a_transport(asked: BorrowedSocket) -> bool:
    """Datagrams that must not be cut, as QUIC wants them (RFC 9000, 14), and that come with ECN marks or in batches."""
    whole = any(asked.options.get(name) in _NEVER_CUT for name in _WHOLE)
    return whole and any(asked.options.get(name) for name in _TRANSPORT)


def _bound(each: Descriptor, asked: BorrowedSocket, around: Surroundings) -> Iterator[Verdict]:
    address, _, port = asked.local.rpartition(":")
    address = address.strip("[]")
    if ":" not in address and is_absent(address, around.addresses):
        yield Verdict(
            Answer.STRANDS, "address-not-on-host",
            f"{address} is not an address of its network namespace: it was bound by IP_FREEBIND or IP_TRANSPARENT, "
            "which CRIU does not set before it binds", "Can't bind inet socket: Cannot assign requested address",
            facts={"address": address},
        )  # fmt: skip
    outside = [pid for pid in each.other_pids if pid not in around.tree]
    shares = asked.options.get("SO_REUSEPORT") or asked.options.get("SO_REUSEADDR")
    if outside and port not in {"", "0"} and each.kind is DescriptorKind.UDP and not shares:
        yield Verdict(
            Answer.STRANDS, "socket-shared-outside",
            f"process {outside[0]}, which is not dumped, has it open too and holds the port at the restore",
            "Can't bind inet socket: Address already in use", facts={"outside": outside},
        )  # fmt: skip


def _unix(each: Descriptor, around: Surroundings) -> Iterator[Verdict]:
    asked = around.borrowed
    outside = [pid for pid in each.peer_pids if pid not in around.tree]
    inside = each.peer_inode in around.inodes or len(outside) < len(each.peer_pids)
    if asked is not None and asked.listening and asked.readable:
        yield Verdict(Answer.LOSES, "unix-in-flight", "who connected and was not accepted is cut off")
    if not each.peer_inode:
        yield Verdict(Answer.OK, "", "restored")
    elif inside or not outside:
        yield Verdict(Answer.OK, "", "restored with its other end")
    else:
        yield _unix_outside(each, around, outside)


def _unix_outside(each: Descriptor, around: Surroundings, outside: list[int]) -> Verdict:
    """A datagram socket is connected again by the name of its peer; a stream's other half cannot be."""
    asked = around.borrowed
    name, whose = "unix-external-peer", f"its other end is outside of the tree (process {outside[0]})"
    facts = {"peer_pids": outside, "peer_inode": each.peer_inode}
    external = "External socket is used. Consider using --ext-unix-sk option."
    named = asked is not None and bool(asked.peer)
    if asked is None or (asked.type == DATAGRAM and named):
        if around.ext_unix_sk:
            reason = f"{whose}: connected again by name if it is a datagram socket, refused if it is a stream"
            return Verdict(Answer.NEEDS, name, reason, external, "--ext-unix-sk", facts=facts)
        reason = f"{whose}: connected again by its name"
        return Verdict(Answer.NEEDS, name, reason, external, "--ext-unix-sk", facts=facts)
    half = "Can't dump half of stream unix connection" if asked.type != DATAGRAM else "Can't dump name-less external"
    message = half if around.ext_unix_sk else external
    return Verdict(Answer.REFUSED, name, f"{whose} and cannot be found again by name", message, facts=facts)
