"""One TCP socket of an image: addresses, sequence space, queues and options out of CRIU's messages."""

import socket
from typing import Any

from workbench.evidence import Connection, Endpoint, ImageSocket, Queue, Sequences, TcpState
from workbench.evidence.sequences import SEQUENCE_MODULUS
from workbench.read.image_file import Damage

_WORDS = {socket.AF_INET: 1, socket.AF_INET6: 4}
_OWN_FIN = {TcpState.FIN_WAIT1, TcpState.FIN_WAIT2, TcpState.CLOSING, TcpState.LAST_ACK}
"""States in which the own FIN is counted in write_seq."""
_PEER_FIN = {TcpState.CLOSE_WAIT, TcpState.CLOSING, TcpState.LAST_ACK}
"""States in which the peer's FIN is counted in rcv_nxt."""

# field of sk_opts_entry, tcp_opts_entry or ip_opts_entry -> the kernel's name
_OPTIONS = {
    "opts": {
        "so_sndbuf": "SO_SNDBUF",
        "so_rcvbuf": "SO_RCVBUF",
        "so_buf_lock": "SO_BUF_LOCK",
        "reuseaddr": "SO_REUSEADDR",
        "so_reuseport": "SO_REUSEPORT",
        "so_keepalive": "SO_KEEPALIVE",
        "so_broadcast": "SO_BROADCAST",
        "so_oobinline": "SO_OOBINLINE",
        "so_dontroute": "SO_DONTROUTE",
        "so_no_check": "SO_NO_CHECK",
        "so_priority": "SO_PRIORITY",
        "so_rcvlowat": "SO_RCVLOWAT",
        "so_mark": "SO_MARK",
        "so_linger": "SO_LINGER",
        "so_bound_dev": "SO_BINDTODEVICE",
        "tcp_keepcnt": "TCP_KEEPCNT",
        "tcp_keepidle": "TCP_KEEPIDLE",
        "tcp_keepintvl": "TCP_KEEPINTVL",
    },
    "tcp_opts": {
        "nodelay": "TCP_NODELAY",
        "cork": "TCP_CORK",
        "keepcnt": "TCP_KEEPCNT",
        "keepidle": "TCP_KEEPIDLE",
        "keepintvl": "TCP_KEEPINTVL",
    },
    "ip_opts": {"freebind": "IP_FREEBIND", "tos": "IP_TOS", "ttl": "IP_TTL"},
}


def text(value: str | bytes) -> str:
    """A string field; protobuf gives one that is no UTF-8 as bytes."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def socket_of(entry: Any, holders: tuple[tuple[int, int], ...]) -> ImageSocket:
    """An ``inet_sk_entry`` without its stream. Raises Damage for a family or state that is none of TCP's."""
    words = _WORDS.get(entry.family)
    if words is None:
        raise Damage(f"holds a TCP socket of the unknown family {entry.family}")
    if len(entry.src_addr) != words or len(entry.dst_addr) not in {0, words}:
        raise Damage(f"holds a socket (inode {entry.ino:#x}) with damaged addresses")
    try:
        state = TcpState(entry.state)
    except ValueError as error:
        raise Damage(f"holds a socket (inode {entry.ino:#x}) in the unknown state {entry.state}") from error
    return ImageSocket(
        inode=entry.ino,
        family=entry.family,
        state=state,
        connection=Connection(
            _endpoint(entry.family, entry.src_addr, entry.src_port),
            _endpoint(entry.family, entry.dst_addr or [0] * words, entry.dst_port),
        ),
        holders=holders,
        backlog=entry.backlog if state is TcpState.LISTEN else None,
        netns_id=entry.ns_id if entry.HasField("ns_id") else None,
        socket_options=_options(entry),
    )


def stream_of(state: TcpState, entry: Any, raw: bytes | memoryview) -> tuple[Sequences, Queue]:
    """Sequence space and queues of a ``tcp_stream_entry`` and the raw bytes behind it.

    The image has the ends of both queues (``inq_seq`` = rcv_nxt, ``outq_seq`` = write_seq); FINs are counted in
    them but not in the lengths (criu/sk-tcp.c, soccr/soccr.c). A peer's FIN counts as read by the program if nothing
    else is unread: the image cannot tell. Raises Damage if the lengths do not fit.
    """
    received, sent, unsent = entry.inq_len, entry.outq_len, entry.unsq_len
    if len(raw) != received + sent:
        raise Damage(f"does not fit: its queues should have {received} and {sent} bytes, {len(raw)} follow")
    if unsent > sent:
        raise Damage(f"does not fit: {unsent} bytes were never sent, but the send queue has {sent}")
    write_seq, rcv_nxt = entry.outq_seq, entry.inq_seq
    fin = 1 if state in _OWN_FIN else 0
    syn = 1 if state is TcpState.SYN_SENT else 0
    unacknowledged = 0 if state in {TcpState.FIN_WAIT2, TcpState.CLOSE} else sent + fin + syn
    peer_fin = 1 if state in _PEER_FIN and received else 0
    window = entry if entry.HasField("rcv_wup") else None
    return (
        Sequences(
            snd_una=(write_seq - unacknowledged) % SEQUENCE_MODULUS,
            snd_nxt=(write_seq - fin - unsent) % SEQUENCE_MODULUS if unsent and unacknowledged else write_seq,
            write_seq=write_seq,
            rcv_nxt=rcv_nxt,
            copied_seq=(rcv_nxt - peer_fin - received) % SEQUENCE_MODULUS,
            snd_wnd=window.snd_wnd if window else None,
            rcv_wnd=window.rcv_wnd if window else None,
            rcv_wup=window.rcv_wup if window else None,
            snd_wl1=window.snd_wl1 if window else None,
            max_window=window.max_window if window else None,
        ),
        Queue(received=bytes(raw[:received]), sent=bytes(raw[received:]), unsent=unsent),
    )


def _endpoint(family: int, words: Any, port: int) -> Endpoint:
    """Words hold network byte order as the dumping host, little-endian, loaded it: 16868106 is 10.99.1.1."""
    packed = b"".join(word.to_bytes(4, "little") for word in words)
    return Endpoint(socket.inet_ntop(family, packed), port & 0xFFFF)


def _options(entry: Any) -> dict[str, int | str]:
    """Those that the image has; 0 and "not saved" look the same in tcp_opts, so absent is not off."""
    values: dict[str, int | str] = {}
    for part, names in _OPTIONS.items():
        if entry.HasField(part):
            for field, value in getattr(entry, part).ListFields():
                if name := names.get(field.name):
                    values[name] = text(value) if isinstance(value, (str, bytes)) else int(value)
    if entry.HasField("opts"):
        opts = entry.opts
        values["SO_RCVTIMEO"] = opts.so_rcv_tmo_sec * 1_000_000 + opts.so_rcv_tmo_usec
        values["SO_SNDTIMEO"] = opts.so_snd_tmo_sec * 1_000_000 + opts.so_snd_tmo_usec
    if entry.HasField("v6only"):
        values["IPV6_V6ONLY"] = int(entry.v6only)
    return values
