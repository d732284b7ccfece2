"""A peer made to say how far it has come, so that a restored socket need not wait for its first timeout.

A restored socket knows no round-trip time, so that it waits a second before it sends again what is in flight. Its probe
is a bare acknowledgement, of which Linux answers one in half a second (tcp_invalid_ratelimit); data is always answered.
"""

import socket

from workbench.evidence import TcpState
from workbench.evidence.sequences import SEQUENCE_MODULUS, distance
from workbench.evidence.state import State
from workbench.repair import constants as c
from workbench.repair.segment import ACK, PSH, RawSender, Segment


def nudge(sock: socket.socket, state: State, sender: RawSender) -> bool:
    """Send the first byte in flight once more; False if nothing is. Raises OSError."""
    if state.state is not TcpState.ESTABLISHED or not state.sequences.in_flight or not state.queue.sent:
        return False
    stamps = None
    if state.options & c.HAS_TIMESTAMPS:
        stamps = sock.getsockopt(socket.IPPROTO_TCP, c.TCP_TIMESTAMP) % SEQUENCE_MODULUS, 0
    left = max(distance(state.rcv_nxt, state.right_edge), 0)
    window = min(left >> state.rcv_wscale, 0xFFFF)
    way = state.connection.unmapped
    sender.send(Segment(way, state.snd_una, state.rcv_nxt, ACK | PSH, window, stamps, state.queue.sent[:1]))
    return True
