"""Other sockets, and network devices."""

from tests.contract.log_messages.harmless import HARMLESS

SOCKETS = (
    ("kernel-newer-than-criu", "dump: Error (criu/sockets.c:1): sockets: Can't get 1:16 opt: Operation not supported"),
    ("kernel-newer-than-criu", "dump: Error (criu/sockets.c:1): sockets: Can't get 1:34 opt: Not supported"),
    (
        "kernel-newer-than-criu",
        "restore: Error (criu/sockets.c:1): sockets: Can't set 1:16 (len 4): Operation not supported",
    ),
    ("ip-missing", "restore: Error (criu/sockets.c:1): sockets: Can't set 1:25 (len 4): No such device"),
    (
        "missing-capability",
        "restore: Error (criu/sockets.c:1): sockets: Can't set 1:36 (len 4): Operation not permitted",
    ),
    (
        HARMLESS,
        "dump: sockets: Sockets collect procedure family AF_INET proto IPPROTO_RAW: -2\nDumping finished successfully",
    ),
    (
        "sock-diag-missing",
        (
            "dump: sockets: Sockets collect procedure family AF_INET proto IPPROTO_TCP: -2\n(00.1) Error "
            "(criu/cr-dump.c:1): Dumping FAILED."
        ),
    ),
    ("sock-diag-missing", "dump: Error (criu/sockets.c:1): sockets: Sockets (family 2 proto 6) are not collected"),
    ("sock-diag-missing", "The sock diag infrastructure is incomplete."),
    (
        "missing-capability",
        (
            "restore: Error (criu/sockets.c:1): sockets: Unable to set socket SO_SNDBUFFORCE/SO_RCVBUFFORCE: Operation "
            "not permitted"
        ),
    ),
    ("unsupported-socket-type", "dump: Error (criu/sockets.c:1): sockets: BUG! Unknown socket collected (family 40)"),
    (HARMLESS, "dump: Error (criu/sockets.c:1): sockets: Diag module missing (-2)"),
    (HARMLESS, "dump: Error (criu/sockets.c:1): sockets: PROBE RECEIVED"),
    ("unsupported-socket-type", "dump: Error (criu/sk-queue.c:1): skqueue: Control messages in queue, not supported"),
    ("unsupported-socket-type", "dump: Error (criu/sk-queue.c:1): skqueue: sys_recvmsg failed: truncated"),
    ("unsupported-socket-type", "dump: Error (criu/sk-netlink.c:1): netlink: The socket has data to read"),
    ("unsupported-socket-type", "dump: Error (criu/sk-packet.c:1): No packet sock info in nlm"),
    ("unix-external-peer", "dump: Error (criu/sk-unix.c:1): unix: Can't dump half of stream unix connection."),
    (
        "unix-external-peer",
        "dump: Error (criu/sk-unix.c:1): unix: External socket is used. Consider using --ext-unix-sk option.",
    ),
    (
        "abstract-name-in-use",
        "restore: Error (criu/files.c:1): Can't bind transport socket /crtools-fd-1: Address already in use",
    ),
    (
        "abstract-name-in-use",
        "restore: Error (criu/files.c:1): Can't bind transport socket /crtools-fd-3-0: Address in use",
    ),
)
"""sockets.c and the families beside TCP."""
