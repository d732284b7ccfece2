"""Every kind of subject: how a person would call it, and what CRIU 4.2.1 makes of it."""

from dataclasses import dataclass

from workbench.checking.survival import Answer


@dataclass(frozen=True)
class Kind:
    """One subject of ``subjects.py``."""

    name: str
    title: str
    answer: Answer
    cause: str = ""
    """Name of the check that must speak; empty where none has to."""
    after: str = ""
    """What is different after the restore, in words; it is measured, see ``test_dump``."""


def _kinds(answer: Answer, *rows: tuple[str, ...]) -> tuple[Kind, ...]:
    return tuple(Kind(row[0], row[1], answer, *row[2:]) for row in rows)


TCP = (
    *_kinds(
        Answer.NEEDS,
        ("established", "ESTABLISHED, IPv4"),
        ("established-v6", "ESTABLISHED, IPv6"),
        ("v4-mapped", "ESTABLISHED, IPv4-mapped IPv6"),
        ("both-ends", "ESTABLISHED, both ends in the tree"),
        ("unread", "ESTABLISHED with unread bytes"),
        ("unsent", "ESTABLISHED with unacknowledged and unsent bytes"),
        ("unread-and-unsent", "ESTABLISHED with bytes in both queues"),
        ("shutdown-read", "ESTABLISHED, shut down for reading"),
        ("classic-filter", "ESTABLISHED with a classic BPF filter"),
        ("syn-sent", "SYN_SENT"),
        ("fin-wait1", "FIN_WAIT1"),
        ("fin-wait2", "FIN_WAIT2"),
        ("close-wait", "CLOSE_WAIT"),
        ("closing", "CLOSING"),
        ("last-ack", "LAST_ACK"),
        ("was-reset", "closed by a reset of the peer"),
    ),
    *_kinds(
        Answer.OK,
        ("fresh", "neither bound nor connected"),
        ("bound", "bound only"),
        ("bound-device", "listening, bound to a device"),
        ("listen", "listening"),
        ("listen-any-v6", "listening on all addresses, IPv6 and IPv4"),
        ("syn-recv", "listening, a handshake in progress (SYN_RECV)", "handshake-in-progress"),
        ("link-local-listen", "listening on a link-local address"),
        ("shared-reuseport-outside", "listening with SO_REUSEPORT, held by a process outside, too"),
        ("freebind-listen-v6", "listening on an IPv6 address that is not there (IPV6_FREEBIND)"),
    ),
    *_kinds(
        Answer.LOSES,
        ("urgent", "ESTABLISHED with an urgent byte", "urgent-data-lost", "the urgent byte is gone"),
        ("urgent-then-more", "ESTABLISHED, urgent byte, more behind it", "urgent-data-lost", "all from it on is gone"),
        (
            "looks-mapped-v6",
            "ESTABLISHED, IPv6 whose third word is 0000:ffff",
            "lock-misses-connection",
            "the peer is reset when it sends meanwhile",
        ),
        (
            "translated",
            "ESTABLISHED, led to another address by DNAT of this host",
            "lock-misses-connection",
            "the peer is reset when it sends meanwhile",
        ),
        ("impatient-peer", "ESTABLISHED, the peer has a short TCP_USER_TIMEOUT", "peer-gives-up", "the peer is gone"),
        (
            "out-of-order",
            "ESTABLISHED with segments that came out of order",
            "option-not-in-image",
            "the peer sends them again",
        ),
        ("md5", "ESTABLISHED with TCP-MD5", "tcp-keys-lost", "the keys are gone, the peer drops every segment"),
        ("options-tcp", "ESTABLISHED, IPv4, every option set", "option-not-in-image", "options are back to defaults"),
        (
            "options-tcp-v6",
            "ESTABLISHED, IPv6, every option set",
            "option-not-in-image",
            "options are back to defaults",
        ),
        ("options-listen", "listening, every option set", "option-not-in-image", "options are back to defaults"),
        ("foreign-fresh", "new, of another network namespace", "socket-of-other-namespace", "it is in its process's"),
    ),
    *_kinds(
        Answer.STRANDS,
        ("link-local", "ESTABLISHED between link-local addresses", "link-local-connection"),
        ("link-local-device", "likewise, bound to its device by SO_BINDTODEVICE", "link-local-connection"),
        ("freebind-listen", "listening on an IPv4 address that is not there (IP_FREEBIND)", "address-not-on-host"),
        ("transparent-listen", "likewise (IP_TRANSPARENT)", "address-not-on-host"),
        ("shared-outside", "ESTABLISHED, held by a process outside of the tree, too", "socket-shared-outside"),
        ("shared-listener-outside", "listening, held by a process outside of the tree, too", "socket-shared-outside"),
    ),
    *_kinds(
        Answer.REFUSED,
        ("unaccepted", "listening, a connection not yet accepted", "tcp-in-flight"),
        ("simultaneous-open", "SYN_RECV, both ends called connect(2)", "handshake-in-progress"),
        ("mptcp", "multipath TCP, ESTABLISHED", "mptcp"),
        ("mptcp-listen", "multipath TCP, listening", "mptcp"),
        ("ebpf-filter", "ESTABLISHED with an eBPF filter", "bpf-socket-filter"),
        ("foreign-connected", "ESTABLISHED, of another network namespace", "socket-of-other-namespace"),
        ("foreign-listen", "listening, of another network namespace", "socket-of-other-namespace"),
    ),
)
SOCKETS = (
    *_kinds(
        Answer.OK,
        ("udp", "UDP, bound"),
        ("udp-connected", "UDP, connected"),
        ("udplite", "UDP-Lite"),
        ("link-local-udp", "UDP, bound to a link-local address"),
        ("ping", "ICMP echo (ping) socket"),
        ("raw", "raw IPv4"),
        ("packet", "packet"),
        ("netlink", "netlink"),
        ("unix-inside", "unix stream, both ends in the tree, unread bytes"),
        ("unix-listen", "unix stream, listening"),
        ("unix-peer-gone", "unix stream whose peer is closed"),
        ("unix-shared-outside", "unix stream pair, held by a process outside, too"),
        ("unix-descriptor-in-flight", "unix stream with a descriptor on its way"),
    ),
    *_kinds(
        Answer.NEEDS,
        ("unix-datagram-outside", "unix datagram, connected to a name outside of the tree", "unix-external-peer"),
    ),
    *_kinds(
        Answer.LOSES,
        ("udp-unread", "UDP with an unread datagram", "datagrams-lost", "the datagram is gone"),
        ("raw-unread", "raw IPv4 with an unread packet", "datagrams-lost", "the packet is gone"),
        ("packet-unread", "packet with an unread packet", "datagrams-lost", "the packet is gone"),
        ("options-udp", "UDP, IPv4, every option set", "option-not-in-image", "options are back to defaults"),
        ("options-udp-v6", "UDP, IPv6, every option set", "option-not-in-image", "options are back to defaults"),
        ("foreign-udp", "UDP, of another network namespace", "socket-of-other-namespace", "it is in its process's"),
        (
            "foreign-netlink",
            "netlink, of another network namespace",
            "socket-of-other-namespace",
            "it is in its process's",
        ),
        ("unix-unaccepted", "unix stream, a connection not yet accepted", "unix-in-flight", "the client is cut off"),
    ),
    *_kinds(
        Answer.STRANDS,
        ("freebind-udp", "UDP, bound to an IPv4 address that is not there (IP_FREEBIND)", "address-not-on-host"),
        ("shared-udp-outside", "UDP, held by a process outside of the tree, too", "socket-shared-outside"),
    ),
    *_kinds(
        Answer.REFUSED,
        ("udp-corked", "UDP, corked", "udp-corked"),
        ("netlink-unread", "netlink with an unread answer", "netlink-unread"),
        ("foreign-unix", "unix stream, listening, of another network namespace", "socket-of-other-namespace"),
        ("foreign-unix-pair", "unix stream pair of another network namespace", "socket-of-other-namespace"),
        ("foreign-packet", "packet, of another network namespace", "socket-of-other-namespace"),
        ("vsock", "vsock", "unsupported-socket-type"),
        ("unix-outside", "unix stream, unnamed peer outside of the tree", "unix-external-peer"),
        ("unix-named-outside", "unix stream, connected to a listener outside", "unix-external-peer"),
        ("unix-sequenced-outside", "unix sequenced packets, peer outside of the tree", "unix-external-peer"),
        ("unix-unnamed-datagram-outside", "unix datagram, unnamed peer outside", "unix-external-peer"),
    ),
)
PROCESSES = (
    *_kinds(
        Answer.OK,
        ("nothing", "a process with nothing but /dev/null"),
        ("child", "with a child"),
        ("stopped-child", "with a stopped child"),
        ("zombie", "with a zombie child"),
        ("events", "eventfd and epoll"),
        ("memory-file", "memfd"),
        ("named-pipe", "named pipe"),
        ("deleted-file", "small deleted file"),
        ("pipe-inside", "pipe, both ends in the tree"),
        ("pty-inside", "pseudo terminal, both ends in the tree"),
        ("alone-in-network-namespace", "alone in a network namespace", "namespace-ends-with-target"),
        ("pidfd-inside", "pidfd of a process of the tree"),
        ("kmsg", "/dev/kmsg"),
    ),
    *_kinds(
        Answer.NEEDS,
        ("flock", "file locked by flock(2)", "file-lock-held"),
        ("posix-lock", "file locked by fcntl(2)", "file-lock-held"),
        ("large-deleted-file", "deleted file of more than 1 MiB", "large-deleted-file"),
        ("pty-outside", "pseudo terminal whose master is outside", "tty-external"),
        ("controlling-terminal", "controlling terminal", "tty-external"),
        ("same-session", "session led from outside of the tree", "session-leader-outside"),
    ),
    *_kinds(
        Answer.LOSES,
        ("pipe-outside", "pipe to a process outside of the tree", "pipe-cut", "nobody is at the other end"),
    ),
    *_kinds(
        Answer.STRANDS,
        ("own-network-namespace", "child in a network namespace of its own", "namespace-unsupported"),
        ("own-mount-namespace", "child in a mount namespace of its own", "namespace-unsupported"),
    ),
    *_kinds(
        Answer.REFUSED,
        ("another-user", "another user, without CAP_SYS_RESOURCE", "missing-capability"),
        ("outer-session", "session led from outside of the pid namespace", "session-leader-outside"),
        ("own-pid-namespace", "child in a pid namespace of its own", "namespace-unsupported"),
        ("own-uts-namespace", "child in a uts namespace of its own", "namespace-unsupported"),
        ("own-ipc-namespace", "child in an ipc namespace of its own", "namespace-unsupported"),
        ("io-uring", "io_uring", "io-uring"),
        ("pidfd", "pidfd of a process outside of the tree", "pidfd-outside"),
        ("detached-mount", "file on a mount that is no longer visible", "fd-mount-not-visible"),
        ("bpf-program", "BPF program", "anonymous-fd-unsupported"),
        ("perf-event", "perf event", "anonymous-fd-unsupported"),
        ("user-fault", "userfaultfd", "anonymous-fd-unsupported"),
        ("device", "/dev/net/tun", "device-fd-unsupported"),
        ("fuse-device", "/dev/fuse", "device-fd-unsupported"),
    ),
)
SECTIONS = {"TCP sockets": TCP, "Other sockets": SOCKETS, "Processes and descriptors": PROCESSES}
KINDS = (*TCP, *SOCKETS, *PROCESSES)
