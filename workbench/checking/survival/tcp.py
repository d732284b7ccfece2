"""Verdicts on TCP sockets that the kernel lists (criu/sk-inet.c, sk-tcp.c, soccr/soccr.c)."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from workbench.checking.phrases import listed, owner
from workbench.checking.survival.freeze import Freeze
from workbench.checking.survival.options import as_words, lost_options
from workbench.checking.survival.verdict import Answer, Verdict
from workbench.checking.survival.waiting import Wait, impatient
from workbench.evidence import BorrowedSocket, Endpoint, Sequences, Socket, TcpState

WITHOUT_PEER = frozenset({TcpState.LISTEN, TcpState.CLOSE, TcpState.BOUND_INACTIVE})
_KEPT = {
    TcpState.ESTABLISHED: "kept: sequence numbers, both queues and options are dumped",
    TcpState.SYN_SENT: "its connection attempt begins anew at the restore",
}
_CLOSING = "kept in its closing state; at the restore CRIU play-acts the FINs again"


@dataclass(frozen=True, slots=True)
class Around:
    """What besides the socket itself decides; each absent where it is not known."""

    tree: frozenset[int] = frozenset()
    """Pids that are dumped."""
    half_open: int = 0
    """A listener's handshakes in progress (SYN_RECV)."""
    standing_in: tuple[Socket, ...] = ()
    """Listeners of others on a listener's port (SO_REUSEPORT)."""
    addresses: frozenset[str] | None = None
    """Of the socket's network namespace."""
    borrowed: BorrowedSocket | None = None
    sequences: Sequences | None = None
    skip_in_flight: bool = False
    """``--skip-in-flight`` is given."""
    led_to: Endpoint | None = None
    """Where rules of the socket's namespace lead what it sends to its peer (DNAT); absent if nowhere else."""
    wait: Wait | None = None
    """Of the other end; absent where that is dumped, too."""
    freeze: Freeze | None = None


def is_connection(socket: Socket) -> bool:
    """Whether CRIU locks and repairs it: it has a peer and is not closed."""
    return socket.peer.port != 0 and socket.state not in WITHOUT_PEER


def tcp_verdicts(socket: Socket, around: Around) -> Iterator[Verdict]:
    """Every judgement on one socket, the plain one last."""
    for verdict in _verdicts(socket, around):
        yield Verdict(
            verdict.answer,
            verdict.cause,
            verdict.reason,
            verdict.message,
            verdict.option,
            socket=socket,
            facts=verdict.facts,
        )


def _verdicts(socket: Socket, around: Around) -> Iterator[Verdict]:
    if socket.mptcp:
        yield MPTCP
        return
    if socket.state is TcpState.SYN_RECV and socket.inode:
        yield SIMULTANEOUS_OPEN
        return
    if socket.ulp:
        reason = f"{socket.ulp} inside the kernel on top of it is not dumped: its queues would be wrong"
        yield Verdict(Answer.LOSES, "upper-layer-protocol", reason)
    if around.borrowed is not None:
        yield from option_verdicts(around.borrowed)
    yield from _shared(socket, around)
    yield from _address(socket, around)
    if socket.state is TcpState.LISTEN:
        yield from _listening(socket, around)
    elif is_connection(socket):
        yield from _connected(socket, around)
    else:
        yield Verdict(Answer.OK, "", "restored without a peer" + (", bound" if socket.local.port else ""))


SIMULTANEOUS_OPEN = Verdict(
    Answer.REFUSED, "handshake-in-progress", "both ends called connect(2) at once and have not heard of each other yet",
    "Socket state obtained but expected",
)  # fmt: skip
MPTCP = Verdict(Answer.REFUSED, "mptcp", "multipath TCP", "Unsupported proto 262 for socket")


def option_verdicts(borrowed: BorrowedSocket) -> Iterator[Verdict]:
    """What its options make of any inet socket."""
    if "SO_ATTACH_BPF" in borrowed.options:
        yield Verdict(
            Answer.REFUSED, "bpf-socket-filter", "it has an eBPF filter, whose text the kernel does not give back",
            "Can't get socket filter len: Permission denied",
        )  # fmt: skip
    lost = lost_options(borrowed)
    if lost:
        words = as_words(lost)
        reason = f"no image can carry {len(words)} of its options"
        yield Verdict(Answer.LOSES, "option-not-in-image", reason, facts={"lost": words, "options": dict(lost)})


def _shared(socket: Socket, around: Around) -> Iterator[Verdict]:
    outside = sorted({holder.pid for holder in socket.holders} - around.tree)
    if not outside or not around.tree:
        return
    whose = f"process {outside[0]}, which is not dumped, has it open too"
    facts = {"outside": outside}
    if is_connection(socket):
        yield Verdict(
            Answer.STRANDS, "socket-shared-outside",
            f"{whose}: there it is stuck in repair mode, and at the restore the connection exists already",
            "Can't connect inet socket back: Cannot assign requested address", facts=facts,
        )  # fmt: skip
    elif socket.state is TcpState.LISTEN and not _reuses_port(around):
        yield Verdict(
            Answer.STRANDS, "socket-shared-outside", f"{whose} and holds the port at the restore",
            "Can't bind inet socket: Address already in use", facts=facts,
        )  # fmt: skip


def _reuses_port(around: Around) -> bool:
    return around.borrowed is not None and bool(around.borrowed.options.get("SO_REUSEPORT"))


def _address(socket: Socket, around: Around) -> Iterator[Verdict]:
    address = socket.connection.unmapped.local.address
    if address.lower().startswith("fe80:") and is_connection(socket):
        yield Verdict(
            Answer.STRANDS, "link-local-connection",
            "a connection between link-local addresses: CRIU binds them without their device at the restore",
            "Can't bind inet socket back: Invalid argument",
        )  # fmt: skip
    elif is_absent(address, around.addresses):
        if ":" in address and not is_connection(socket):
            return  # CRIU sets IPV6_FREEBIND before it binds, IP_FREEBIND after
        message = "Can't bind inet socket back" if is_connection(socket) else "Can't bind inet socket"
        yield Verdict(
            Answer.STRANDS, "address-not-on-host",
            f"{address} is not an address of its network namespace: it was bound by IP_FREEBIND or IP_TRANSPARENT, "
            "which CRIU does not set before it binds", f"{message}: Cannot assign requested address",
            facts={"address": address},
        )  # fmt: skip


def _unlocked(socket: Socket, around: Around) -> Iterator[Verdict]:
    if around.led_to is not None:
        yield Verdict(
            Answer.LOSES, "lock-misses-connection",
            f"rules of its network namespace lead it to {around.led_to} (DNAT): CRIU's lock names {socket.peer}, and "
            "what comes from there passes it", facts={"led_to": str(around.led_to)},
        )  # fmt: skip
    odd = next((each.address for each in (socket.local, socket.peer) if _taken_for_mapped(each.address)), None)
    if odd is not None:
        yield Verdict(
            Answer.LOSES, "lock-misses-connection",
            f"CRIU takes {odd} for an IPv4-mapped address (its third 32 bits are 0000:ffff) and locks an IPv4 "
            "connection that does not exist", facts={"address": odd},
        )  # fmt: skip


def _taken_for_mapped(address: str) -> bool:
    """criu/netfilter.c:ipv6_addr_mapped looks at the third word alone."""
    if ":" not in address:
        return False
    known = IPv6Address(address.partition("%")[0])
    return known.ipv4_mapped is None and known.packed[8:12] == b"\0\0\xff\xff"


def is_absent(address: str, present: frozenset[str] | None) -> bool:
    """Whether an address cannot be bound without IP_FREEBIND and the like; False where the addresses are not known."""
    if present is None or not address:
        return False
    wanted = ip_address(address.partition("%")[0])
    if wanted.is_unspecified or wanted.is_loopback or wanted.is_multicast:
        return False
    return str(wanted) not in present


def _listening(socket: Socket, around: Around) -> Iterator[Verdict]:
    waiting = socket.recv_q  # of a listener: its accept queue
    if waiting:
        clients = f"{waiting} connection{'s' if waiting > 1 else ''} not yet accepted"
        if around.skip_in_flight:
            yield Verdict(Answer.LOSES, "tcp-in-flight", f"{clients} will be reset", facts={"waiting": waiting})
        else:
            yield Verdict(
                Answer.REFUSED, "tcp-in-flight", clients, "In-flight connection (l) for", "--skip-in-flight",
                facts={"waiting": waiting},
            )  # fmt: skip
    if around.half_open:
        yield Verdict(
            Answer.OK, "handshake-in-progress",
            f"{around.half_open} handshakes are in progress: they are not dumped, the clients' next SYN begins anew",
            facts={"handshakes": around.half_open},
        )  # fmt: skip
    if around.standing_in:
        names = listed([owner(each) for each in around.standing_in])
        yield Verdict(
            Answer.OK, "listener-shared",
            f"restored listening; {names} listen{'' if around.standing_in[1:] else 's'} on its port too, where new"
            " connections go meanwhile",
            facts={"others": len(around.standing_in), "waiting": socket.recv_q},
        )  # fmt: skip
    else:
        yield Verdict(Answer.OK, "", "restored listening")


def _connected(socket: Socket, around: Around) -> Iterator[Verdict]:
    if socket.md5_keys or (around.borrowed is not None and "TCP_AO" in around.borrowed.options):
        kind = "TCP-MD5" if socket.md5_keys else "TCP-AO"
        yield Verdict(
            Answer.LOSES, "tcp-keys-lost", f"its {kind} keys are not dumped: its peer will drop all that it sends",
            facts={"kind": kind},
        )  # fmt: skip
    asked = around.borrowed
    if asked is not None and asked.urgent and asked.unread is not None:
        lost = max(socket.recv_q - asked.unread, 0)
        yield Verdict(
            Answer.LOSES, "urgent-data-lost",
            f"an urgent byte waits in it: CRIU saves what lies before it, and {lost} bytes from it on are lost",
            facts={"bytes": lost},
        )  # fmt: skip
    if around.sequences is not None and around.sequences.out_of_order:
        reason = "segments that came out of order are dropped: the peer must send them again"
        facts = {"lost": ["segments received out of order (the peer must send them again)"], "options": {}}
        yield Verdict(Answer.LOSES, "option-not-in-image", reason, facts=facts)
    yield from _unlocked(socket, around)
    if around.wait is not None and around.freeze is not None and (short := impatient(around.wait, around.freeze)):
        yield short
    reason = _KEPT.get(socket.state, _CLOSING)
    yield Verdict(
        Answer.NEEDS, "", reason, "Connected TCP socket, consider using --tcp-established option.",
        "--tcp-established",
    )  # fmt: skip
