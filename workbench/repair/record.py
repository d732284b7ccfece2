"""One connection as TCP_REPAIR tells it: all that a restore needs, and all that a proof compares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.evidence import Connection, Queue, Sequences, TcpState

SocketOptions = Mapping[str, int | str]
"""Socket options by the kernel's name (``SO_KEEPALIVE``, ``TCP_CONGESTION``); one that this kernel lacks is absent."""


@dataclass(frozen=True, slots=True)
class ReadSocket:
    """One connection, read while every process that holds it stood still."""

    connection: Connection
    """As the socket itself knows it: in CLOSE and SYN_SENT without the peer (getpeername(2) gives ENOTCONN)."""
    family: int
    """2 = AF_INET, 10 = AF_INET6."""
    state: TcpState
    cookie: int
    sequences: Sequences
    queue: Queue
    mss_clamp: int
    """Largest segment that the peer accepts, bytes (TCP_MAXSEG in repair mode)."""
    options: int
    """TCPI_OPT_* bits: 1 timestamps, 2 SACK, 4 window scaling."""
    snd_wscale: int
    rcv_wscale: int
    timestamp: int
    """Our timestamp clock at that moment (TCP_TIMESTAMP); the lowest bit marks microseconds on Linux >= 6.7."""
    segments_in: int | None
    """Segments received so far (``tcpi_segs_in``): growth proves that the peer answers."""
    socket_options: SocketOptions = field(hash=False)
    was_in_repair: bool = False
    """It was in repair mode before, hence is again (CRIU's hold points)."""
    milliseconds: float = 0.0
    """How long the socket was disturbed."""
