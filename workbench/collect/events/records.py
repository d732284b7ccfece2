"""What a BPF program at a raw tracepoint hands over: one record an event."""

from enum import IntEnum

import numpy as np

HEADER_BYTES = 80
"""IPv4 with options and TCP without, or IPv6 and TCP: what a record has of the segment."""


class Seen(IntEnum):
    """At which tracepoint."""

    STATE = 1
    RESET_SENT = 2
    RESET_RECEIVED = 3
    RETRANSMISSION = 4
    DROP = 5
    TRANSMITTED = 6
    """A segment with RST was handed to a device. Likewise:"""
    ARRIVED = 7


class Owned(IntEnum):
    """Whose the socket is that sends a reset; 0 if that is not known."""

    BY_NOBODY = 1
    """No descriptor, not any more or not yet: it waits to be accepted (sk_socket is NULL)."""
    BY_A_PROGRAM = 2


TRACEPOINTS = {
    Seen.STATE: "inet_sock_set_state",
    Seen.RESET_SENT: "tcp_send_reset",
    Seen.RESET_RECEIVED: "tcp_receive_reset",
    Seen.RETRANSMISSION: "tcp_retransmit_skb",
    Seen.DROP: "kfree_skb",
    Seen.TRANSMITTED: "net_dev_queue",
    Seen.ARRIVED: "netif_receive_skb",
}

RECORD = np.dtype(
    [
        ("at_ns", "u8"),
        ("sock", "u8"),  # address of the struct sock, as tracefs tells it
        ("segment", "u8"),  # address of the sk_buff
        ("location", "u8"),  # DROP: address in the kernel's code
        ("cookie", "u8"),
        ("netns", "u4"),
        ("seen", "u4"),
        # DROP: enum skb_drop_reason. ARRIVED: TTL of other segments from that address, 0 if unknown. RESET_SENT: bytes
        # between copied_seq and rcv_nxt, a FIN among them.
        ("number", "u4"),
        ("tgid", "u4"),
        ("command", "S16"),
        # Of a segment that came in, the device; 0 for one that this host made. RESET_SENT: ``Owned``.
        ("interface", "u4"),
        ("family", "u2"),  # of the socket
        ("type", "u1"),  # likewise: SOCK_STREAM, SOCK_RAW, ...
        ("state", "u1"),
        ("header", f"V{HEADER_BYTES}"),
    ]
)
OFFSETS = {name: entry[1] - RECORD.itemsize for name, entry in (RECORD.fields or {}).items()}
"""Where a field lies from the frame pointer of a program, whose stack the record is made on."""
