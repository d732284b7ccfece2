"""Socket options that no image can carry: CRIU saves a fixed list (criu/sockets.c, sk-inet.c, sk-tcp.c; 4.2.1)."""

from collections.abc import Mapping

from workbench.evidence import BorrowedSocket

KEPT = frozenset({
    "SO_SNDBUF", "SO_RCVBUF", "SO_BUF_LOCK", "SO_REUSEADDR", "SO_REUSEPORT", "SO_KEEPALIVE", "SO_BROADCAST",
    "SO_OOBINLINE", "SO_DONTROUTE", "SO_NO_CHECK", "SO_PRIORITY", "SO_RCVLOWAT", "SO_MARK", "SO_RCVTIMEO",
    "SO_SNDTIMEO", "SO_LINGER", "SO_BINDTODEVICE", "SO_ATTACH_FILTER", "TCP_NODELAY", "TCP_CORK", "TCP_KEEPIDLE",
    "TCP_KEEPINTVL", "TCP_KEEPCNT", "IP_TOS", "IP_TTL", "IP_PKTINFO", "IP_FREEBIND", "IPV6_V6ONLY", "IPV6_RECVPKTINFO",
    "IPV6_FREEBIND",
})  # fmt: skip
"""Dumped and set again."""
JUDGED = frozenset({"UDP_CORK", "SO_ATTACH_BPF", "TCP_AO"})
"""More than an option: CRIU refuses, or the connection dies; see ``sockets``."""
ADJUSTED = frozenset({"TCP_WINDOW_CLAMP"})
"""The kernel moves it by itself on a socket with a peer: whether a program ever set it cannot be told."""
MULTICAST = frozenset({"IP_MULTICAST_TTL", "IP_MULTICAST_LOOP", "IPV6_MULTICAST_HOPS", "IPV6_MULTICAST_LOOP"})
"""Without meaning for a stream; the kernel gives accepted sockets values of its own."""
_STREAM = 1
VITAL = frozenset({
    "TCP_USER_TIMEOUT", "IP_TRANSPARENT", "IPV6_TRANSPARENT", "TCP_DEFER_ACCEPT", "TCP_FASTOPEN", "IP_MTU_DISCOVER",
    "IPV6_MTU_DISCOVER", "SO_PEEK_OFF", "TCP_INQ", "SO_TIMESTAMPING", "SO_ZEROCOPY", "IP_MINTTL", "IPV6_MINHOPCOUNT",
    "SO_LOCK_FILTER",
})  # fmt: skip
"""Without these the program behaves differently, or fails (it waits for messages that never come)."""


def lost_options(borrowed: BorrowedSocket) -> Mapping[str, tuple[int | str, int | str]]:
    """Options that will have the second value instead of the first; empty if what a new socket has is not known."""
    passed_over = KEPT | JUDGED
    if not borrowed.listening:
        passed_over |= ADJUSTED
    if borrowed.type == _STREAM:
        passed_over |= MULTICAST
    return {
        name: (value, borrowed.fresh[name])
        for name, value in borrowed.options.items()
        if name not in passed_over and name in borrowed.fresh and value != borrowed.fresh[name]
    }


def as_words(lost: Mapping[str, tuple[int | str, int | str]]) -> list[str]:
    """``TCP_USER_TIMEOUT 5000 (back to 0)``, what matters most first."""
    ordered = sorted(lost, key=lambda name: (name not in VITAL, name))
    return [f"{name} {lost[name][0]} (back to {lost[name][1]})" for name in ordered]
