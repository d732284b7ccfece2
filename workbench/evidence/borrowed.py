"""What a socket tells only to who holds it: the kernel's lists leave most socket options out."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BorrowedSocket:
    """One socket of a process that is to be dumped, asked through a descriptor of our own; nothing was changed on it.

    Values are as getsockopt(2) gives them, by the kernel's name: booleans 0 and 1, SO_RCVTIMEO, SO_SNDTIMEO in
    microseconds, SO_LINGER in seconds or -1 for off, TCP_USER_TIMEOUT in milliseconds, SO_MAX_PACING_RATE in bytes a
    second. An option that this kernel or kind of socket lacks is absent.
    """

    pid: int
    fd: int
    inode: int
    family: int
    """``AF_*``: 1 unix, 2 IPv4, 10 IPv6, 16 netlink, 17 packet, 40 vsock."""
    type: int
    """``SOCK_*``: 1 stream, 2 datagram, 3 raw, 5 sequenced packets."""
    protocol: int
    """``IPPROTO_*``: 6 TCP, 17 UDP, 132 SCTP, 262 MPTCP."""
    netns: int | None
    """Inode of the network namespace that the socket belongs to (SIOCGSKNS); its process may have left it."""
    listening: bool
    readable: bool
    """poll(2) says POLLIN: data, an end of file, or for a listening socket a connection waits in it."""
    local: str
    """The address that it is bound to; empty for none. A path or an abstract name (with ``@``) of a unix socket."""
    peer: str
    options: Mapping[str, int | str] = field(hash=False)
    fresh: Mapping[str, int | str] = field(hash=False)
    """The options of a new socket of the same kind in the same namespace: what a restore begins with."""
    urgent: bool = False
    """poll(2) says POLLPRI: an urgent byte waits in it (TCP)."""
    unread: int | None = None
    """What ioctl(2) SIOCINQ counts: bytes of a stream up to an urgent byte, or those of the first datagram."""
    unread_memory: int | None = None
    """Kernel memory of what waits to be read (SO_MEMINFO), bytes with overhead."""
