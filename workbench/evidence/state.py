"""One TCP connection outside of any socket: all that a restore needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.evidence.image import ImageSocket, Queue
from workbench.evidence.sequences import SEQUENCE_MODULUS, Sequences, distance
from workbench.evidence.socket import Connection, TcpState

OWN_FIN = frozenset({TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.CLOSING, TcpState.LAST_ACK})
"""States in which ``write_seq`` counts a FIN of ours; in FIN_WAIT2 it is acknowledged."""
PEER_FIN = frozenset({TcpState.CLOSE_WAIT, TcpState.CLOSING, TcpState.LAST_ACK})
"""States in which ``rcv_nxt`` counts a FIN of the peer's."""
MOVABLE = OWN_FIN | PEER_FIN | {TcpState.ESTABLISHED}
"""States that can be taken out of one socket and put into another."""


@dataclass(frozen=True, slots=True)
class State:
    """A connection as it was taken from its socket; the socket stood still and nothing passed meanwhile."""

    connection: Connection
    family: int
    """2 = AF_INET, 10 = AF_INET6 (also with IPv4-mapped addresses)."""
    state: TcpState
    write_seq: int
    """End of the send queue, an own FIN included."""
    rcv_nxt: int
    """End of the receive queue, the peer's FIN included."""
    snd_nxt: int
    """Next byte to send: what lies between it and ``write_seq`` was never sent."""
    snd_wnd: int
    """Window that the peer announced, bytes. Likewise the following."""
    max_window: int
    snd_wl1: int
    rcv_wnd: int
    """Window that we announced, from ``rcv_wup``."""
    rcv_wup: int
    queue: Queue
    mss_clamp: int
    """Largest segment that the peer accepts."""
    options: int
    """TCPI_OPT_* bits: 1 timestamps, 2 SACK, 4 window scaling."""
    snd_wscale: int
    rcv_wscale: int
    timestamp: int
    """Our timestamp clock then (TCP_TIMESTAMP); the lowest bit marks microseconds on Linux >= 6.7."""
    socket_options: Mapping[str, int | str] = field(default_factory=dict, hash=False)
    """By the kernel's name, as getsockopt(2) gives them."""
    nonblocking: bool = False
    """O_NONBLOCK, which belongs to the open file description."""
    device: str = ""
    """Interface of a link-local address; empty for all others."""
    taken: float = 0.0
    """When, seconds since the epoch."""

    @property
    def send_start(self) -> int:
        """Sequence number of the first byte in the send queue (of the FIN if it is empty)."""
        return (self.write_seq - (self.state in OWN_FIN) - len(self.queue.sent)) % SEQUENCE_MODULUS

    @property
    def receive_start(self) -> int:
        """Sequence number of the first byte in the receive queue (of the peer's FIN if it is empty)."""
        return (self.rcv_nxt - (self.state in PEER_FIN) - len(self.queue.received)) % SEQUENCE_MODULUS

    @property
    def snd_una(self) -> int:
        return self.write_seq if self.state is TcpState.FIN_WAIT2 else self.send_start

    @property
    def right_edge(self) -> int:
        """End of the window that we announced: the peer may have sent up to here."""
        return (self.rcv_wup + self.rcv_wnd) % SEQUENCE_MODULUS

    @property
    def sequences(self) -> Sequences:
        return Sequences(
            snd_una=self.snd_una,
            snd_nxt=self.snd_nxt,
            write_seq=self.write_seq,
            rcv_nxt=self.rcv_nxt,
            copied_seq=self.receive_start,
            snd_wnd=self.snd_wnd,
            rcv_wnd=self.rcv_wnd,
            rcv_wup=self.rcv_wup,
            snd_wl1=self.snd_wl1,
            max_window=self.max_window,
        )

    @property
    def image_socket(self) -> ImageSocket:
        """The same as a socket of an image directory, which everything that shows and compares images knows."""
        return ImageSocket(
            inode=0,
            family=self.family,
            state=self.state,
            connection=self.connection,
            holders=(),
            sequences=self.sequences,
            queue=self.queue,
            mss_clamp=self.mss_clamp,
            snd_wscale=self.snd_wscale,
            rcv_wscale=self.rcv_wscale,
            options=self.options,
            timestamp=self.timestamp,
            socket_options=self.socket_options,
        )


def contradictions(state: State) -> tuple[str, ...]:
    """Why no kernel would take it back, one clause each: the rules of TCP_REPAIR_WINDOW, and what must add up."""
    found = []
    if state.state not in MOVABLE:
        found.append(f"state {state.state.name} cannot be restored")
    if state.max_window < state.snd_wnd:
        found.append("max_window is smaller than snd_wnd")
    if distance(state.rcv_nxt, state.rcv_wup) > 0:
        found.append("rcv_wup lies beyond rcv_nxt")
    if distance(state.rcv_nxt + state.rcv_wnd, state.snd_wl1) > 0:
        found.append("snd_wl1 lies beyond the receive window")
    if not 0 <= state.queue.unsent <= len(state.queue.sent):
        found.append("more bytes were never sent than the send queue holds")
    if not 0 <= distance(state.snd_una, state.snd_nxt) <= distance(state.snd_una, state.write_seq):
        found.append("snd_nxt lies outside of the send queue")
    if max(state.snd_wscale, state.rcv_wscale) > 14:
        found.append("a window scale is larger than 14")
    return tuple(found)
