"""TCP sockets as the kernel's sock_diag tells them."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class TcpState(IntEnum):
    """RFC 9293 states with the kernel's numbers (include/net/tcp_states.h)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12
    BOUND_INACTIVE = 13


class SocketTimer(StrEnum):
    """The running timer of a socket (``idiag_timer`` of inet_diag)."""

    NONE = "none"
    RTO = "rto"
    """Retransmission (also the tail loss probe and SYN retransmission)."""
    KEEPALIVE = "keepalive"
    """Keepalive, or the FIN_WAIT2 timer of an orphan."""
    TIMEWAIT = "timewait"
    PROBE = "probe"
    """Zero-window probe."""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Address and port; IPv6 in RFC 5952 form, IPv4-mapped addresses as ``::ffff:a.b.c.d``."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """The 4-tuple, seen from one end."""

    local: Endpoint
    peer: Endpoint

    @property
    def reversed(self) -> "Connection":
        """The same connection seen from the other end."""
        return Connection(self.peer, self.local)

    @property
    def unmapped(self) -> "Connection":
        """The same connection with IPv4-mapped IPv6 addresses written as IPv4, as it is on the wire."""
        return Connection(_unmapped(self.local), _unmapped(self.peer))

    def __str__(self) -> str:
        return f"{self.local} -> {self.peer}"


def _unmapped(end: Endpoint) -> Endpoint:
    if end.address.startswith("::ffff:") and "." in end.address:
        return Endpoint(end.address[7:], end.port)
    return end


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the socket open."""

    pid: int
    fd: int
    command: str


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """``struct tcp_info`` as far as it is shown; times in microseconds unless said, sizes in bytes.

    Source: include/uapi/linux/tcp.h. A field that this kernel does not give is None.
    """

    rto_us: int
    rtt_us: int
    rttvar_us: int
    backoff: int
    probes: int
    options: int
    """TCPI_OPT_* bits: 1 timestamps, 2 SACK, 4 window scaling, 8 ECN."""
    snd_wscale: int
    rcv_wscale: int
    snd_mss: int
    rcv_mss: int
    advmss: int
    pmtu: int
    snd_cwnd: int
    """Segments."""
    snd_ssthresh: int
    """Segments; 0x7fffffff = not set."""
    rcv_ssthresh: int
    unacked: int
    """Segments in flight."""
    sacked: int
    lost: int
    retrans: int
    total_retrans: int
    last_data_sent_ms: int
    last_data_recv_ms: int
    last_ack_recv_ms: int
    bytes_acked: int | None = None
    bytes_received: int | None = None
    bytes_sent: int | None = None
    bytes_retrans: int | None = None
    segs_out: int | None = None
    segs_in: int | None = None
    notsent_bytes: int | None = None
    snd_wnd: int | None = None
    """Window announced by the peer, scaled."""
    rcv_wnd: int | None = None
    """Window that we announced, scaled."""
    rcv_space: int | None = None
    delivery_rate: int | None = None
    """Bytes a second."""


@dataclass(frozen=True, slots=True)
class SocketMemory:
    """``INET_DIAG_SKMEMINFO`` in bytes, drops in packets."""

    rmem_alloc: int
    rcvbuf: int
    wmem_alloc: int
    sndbuf: int
    fwd_alloc: int
    wmem_queued: int
    optmem: int
    backlog: int
    drops: int


@dataclass(frozen=True, slots=True)
class Socket:
    """One TCP socket of one network namespace.

    Listening sockets have an unspecified peer with port 0. TIME_WAIT and SYN_RECV sockets have no
    inode (0), no holder and no ``info``.
    """

    netns: int
    """Inode of the network namespace."""
    family: int
    """2 = AF_INET, 10 = AF_INET6."""
    state: TcpState
    local: Endpoint
    peer: Endpoint
    inode: int
    cookie: int
    """Unique over all namespaces and never reused while the host runs."""
    uid: int
    recv_q: int
    """Bytes not yet read by the owner; LISTEN: connections waiting for accept(2)."""
    send_q: int
    """Bytes not yet acknowledged (a FIN counts as one); LISTEN: the backlog."""
    timer: SocketTimer = SocketTimer.NONE
    timer_ms: int = 0
    """Milliseconds until the timer fires."""
    retransmits: int = 0
    """Unanswered retransmissions, or unanswered probes."""
    holders: tuple[Holder, ...] = ()
    interface: int = 0
    """Index of the device that the socket is bound to; 0 = none."""
    mark: int | None = None
    shutdown: int | None = None
    """Bits: 1 receive, 2 send; None if the kernel does not tell."""
    congestion: str | None = None
    mptcp: bool = False
    ulp: str | None = None
    """Upper layer protocol (``tls``, ``mptcp``); absent for plain TCP."""
    v6only: bool | None = None
    info: TcpInfo | None = None
    memory: SocketMemory | None = None
    md5_keys: int = 0
    """Keys of TCP-MD5 (RFC 2385) that it signs and checks segments with; told only to CAP_NET_ADMIN."""

    @property
    def connection(self) -> Connection:
        return Connection(self.local, self.peer)

    @property
    def pid(self) -> int | None:
        """The first holder's pid; None for a socket that no process owns."""
        return self.holders[0].pid if self.holders else None

    @property
    def fd(self) -> int | None:
        return self.holders[0].fd if self.holders else None

    @property
    def command(self) -> str | None:
        return self.holders[0].command if self.holders else None
