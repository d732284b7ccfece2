"""A UNIX socket is connected to a process outside the tree.

What it looks at
----------------
"Can't dump half of stream unix connection", "External socket is used", and at the restore a UNIX socket whose other
end is not there.

Why it matters
--------------
One end of a pair cannot be frozen without the other. Connections to systemd-journald, D-Bus, X11 or a container
engine are the usual ones; standard output of a service is one too.

What to do
----------
Close that connection before the dump, dump both processes as one tree, or declare the socket: --ext-unix-sk for
datagram sockets with a name, --external unix[INODE] for a stream whose replacement is handed in at the restore.

When it is wrong
----------------
For a socket pair inside the tree it means that the other holder was left out of it.

References
----------
criu/sk-unix.c (dump_external_sockets); criu(8) --external; https://criu.org/External_UNIX_socket
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest, LogKind

CODE = "LOG032"
NAME = "unix-external-peer"
SINCE = "0.1"

CAUSE = Cause(
    "A process has a UNIX socket that is connected to a process outside the dumped tree (a logger, D-Bus, a display, "
    "the engine), and half of a connection cannot be dumped.",
    (
        Sign(
            ("half of stream unix connection", "Ext stream not supported"),
            r"(?:ino (?P<inode>\d+) peer_ino (?P<peer_inode>\d+))|half of stream",
        ),
        Sign(
            (
                "External socket is used",
                "consider using --ext-unix-sk",
                "Consider using --ext-unix-sk",
                "External socket found in image",
                "Unix socket with unknown peer",
            )
        ),
        Sign(
            "an't connect",
            r"unix: .*an't connect|an't connect .{0,20}socket",
            file="sk-unix.c",
            kind=LogKind.RESTORE,
            message="A UNIX socket could not be connected again: the process outside that it was connected to does "
            "not listen here.",
        ),
        Sign(
            file="sk-unix.c",
            weight=Weight.PLACE,
            message="CRIU could not save or rebuild a UNIX socket; as a rule its other end is a process outside the "
            "dumped tree.",
        ),
    ),
    joined(
        advice(
            "Find the other end with `ss -xp` and the inode number, and close the connection before the dump or "
            "include that process.",
            docker="Do not mount sockets of the host into the container (docker.sock, journald, X11), or close them "
            "before the checkpoint.",
        ),
        handing_over("ext-unix-sk"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
