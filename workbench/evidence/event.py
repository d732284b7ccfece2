"""What happened on the host, one record an event, all on one clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from workbench.evidence.socket import Connection, TcpState

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""Bits of ``Segment.flags`` (RFC 9293, 3.1)."""
NOTHING: Mapping[str, int | str] = MappingProxyType({})


class EventKind(StrEnum):
    STATE = "state"
    """A socket went from one state to another."""
    RESET_SENT = "reset-sent"
    """This kernel's TCP decided to send a reset."""
    RESET_RECEIVED = "reset-received"
    """A socket took a reset for real and is closed by it."""
    RESET_PACKET = "reset-packet"
    """A segment with RST was handed to a network device, or arrived at one, whoever made it."""
    RETRANSMISSION = "retransmission"
    DROP = "drop"
    """A segment was thrown away."""
    RULES = "rules"
    """A change of nftables rules was committed."""
    STAGE = "stage"
    """CRIU reached a stage of a dump or restore."""
    LOSS = "loss"
    """Events are missing from the record."""


class Maker(StrEnum):
    """Who made a segment with RST that left through a device of this host."""

    TCP = "tcp"
    """A TCP socket of this kernel."""
    KERNEL = "kernel"
    """A socket that belongs to nobody or is raw: TCP's own for answers without a socket, or a program's raw socket."""
    NETFILTER = "netfilter"
    """No socket at all: a REJECT rule, or TCP that answers over IPv6 without a socket (then there is a RESET_SENT)."""
    PACKET_SOCKET = "packet-socket"
    """A program, past the protocol stack (packet(7))."""
    FORWARDED = "forwarded"
    """It came in through another device and went on."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Headers of the TCP segment concerned, numbers in host byte order."""

    seq: int
    ack: int
    flags: int
    window: int
    """As it stands in the header, not scaled."""
    ttl: int
    """IPv4 time to live or IPv6 hop limit, as it was here."""
    length: int
    """Bytes of payload; of a segment that was never sent on (segmentation offload), all of them."""
    identification: int | None = None
    """IPv4 only."""

    @property
    def is_reset(self) -> bool:
        return bool(self.flags & RST)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment; fields that do not apply to its kind are None or empty."""

    at_ns: int
    """CLOCK_MONOTONIC, nanoseconds."""
    kind: EventKind
    netns: int | None = None
    """Inode of the network namespace; None if it could not be told."""
    connection: Connection | None = None
    """Local end first; of a segment that only passed through, its destination first."""
    cookie: int | None = None
    """The socket's; None for an event without a socket, or if it could not be told."""
    pid: int | None = None
    """Process that did it, where that has a meaning: not what an interrupt happened to interrupt."""
    command: str = ""
    """Its name; hostile."""
    owner_pid: int | None = None
    """Process that has the socket open, as far as known at the time."""
    owner_command: str = ""
    reason: str = ""
    """The kernel's name of the reason, as NO_SOCKET; empty where it gives none."""
    before: TcpState | None = None
    """STATE: the state that was left. Others: None."""
    state: TcpState | None = None
    """STATE: the state that was entered. Others: that of the socket at that moment."""
    has_socket: bool | None = None
    """Resets sent: whether a socket owned the connection; None if it does not apply."""
    maker: Maker | None = None
    """RESET_PACKET that leaves."""
    incoming: bool | None = None
    """DROP, RESET_PACKET: whether the segment came in; False for one that this host sent."""
    segment: Segment | None = None
    """DROP, RESET_PACKET; RESET_SENT: the segment that was answered."""
    usual_ttl: int | None = None
    """RESET_PACKET that came in: TTL of the last other segment from its source; None if none was seen."""
    lost: int = 0
    """LOSS: how many events, at least."""
    since_ns: int | None = None
    """RULES: it happened after this, and was read at ``at_ns``. None: it happened at ``at_ns``."""
    details: Mapping[str, int | str] = field(default_factory=lambda: NOTHING, hash=False)
    """What only this kind has. DROP: ``location``, a function of the kernel. RESET_SENT: ``unread``, bytes in the
    receive queue, a FIN counted as one, and ``orphan``, 1 if no program has the socket. RULES: how often each change
    was made. STAGE: ``log`` and ``line``.
    """
