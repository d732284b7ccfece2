"""What decides how long one socket waits: its own timers, clocks and limits."""

from dataclasses import dataclass
from enum import StrEnum


class Pending(StrEnum):
    """What the socket's transmission timer runs for (``icsk_pending``, include/net/inet_connection_sock.h)."""

    NOTHING = "nothing"
    RTO = "retransmission"
    PROBE = "zero-window probe"
    LOSS_PROBE = "tail loss probe"
    REORDERING = "reordering timeout"


@dataclass(frozen=True, slots=True)
class Clockwork:
    """Of ``struct tcp_sock`` at one instant; times in milliseconds, None where this kernel has no such field.

    Source: BPF iterator. A limit of 0 means that the socket has none of its own: the sysctl holds.
    """

    pending: Pending
    unanswered: int
    """Time-outs or probes that nothing came back for."""
    backoff: int
    """How often the time-out was doubled."""
    hz: int
    """Timer ticks a second (CONFIG_HZ)."""
    jiffies: int
    """The kernel's clock when the socket was read, in ticks."""
    expires: int
    """When the transmission timer is due, in the same ticks; meaningless if nothing is pending."""
    keepalive_expires: int
    """The same of the keepalive timer; meaningless if ``idiag_timer`` does not tell of it."""
    retransmitting_ms: float | None
    """Since the first retransmission of this series (SYN_SENT: since connect(2)); None if there is no series."""
    probing_ms: float | None
    """Since the first zero-window probe that was not answered; None if there is none."""
    silent_ms: float
    """Since a segment of the peer last arrived."""
    rto_max_ms: int | None
    """TCP_RTO_MAX_MS of this socket (Linux 6.15)."""
    keepalive: bool
    """SO_KEEPALIVE is on."""
    keepalive_idle_ms: int
    """TCP_KEEPIDLE."""
    keepalive_interval_ms: int
    """TCP_KEEPINTVL."""
    keepalive_probes: int
    """TCP_KEEPCNT."""
    linger2_ms: int
    """TCP_LINGER2: how long an orphan stays in FIN_WAIT2; negative: not at all."""
    syn_retries: int
    """TCP_SYNCNT."""
    thin: bool
    """TCP_THIN_LINEAR_TIMEOUTS: the first six time-outs of a thin stream are not backed off."""
