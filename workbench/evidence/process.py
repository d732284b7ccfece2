"""Processes, their namespaces, and the open files that decide whether CRIU can dump them."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Inode numbers of a process's namespaces (namespaces(7)); None where it could not be read."""

    net: int | None = None
    mnt: int | None = None
    pid: int | None = None
    user: int | None = None
    uts: int | None = None
    ipc: int | None = None
    time: int | None = None
    cgroup: int | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """The container that a process belongs to, as told by its cgroup path."""

    engine: str
    """``runc``, ``docker``, ``podman``, ``crio``, ``containerd``, ``lxc`` or ``unknown``."""
    id: str
    """Full identifier as in the cgroup path."""
    name: str | None = None
    """Name given by a person; absent where the engine's state was not readable."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the host (proc(5)); ``(pid, start_time)`` is its identity, a pid alone is not."""

    pid: int
    """In the pid namespace of the workbench."""
    ppid: int
    start_time: int
    """Clock ticks after boot (field 22 of /proc/PID/stat)."""
    command: str
    """comm, at most 15 bytes, hostile."""
    argv: tuple[str, ...]
    """Arguments, hostile; empty for kernel threads and zombies."""
    uid: int
    """Real user id in the user namespace of the workbench."""
    user: str
    """Login name, or the number as text."""
    state: str
    """One letter: R S D T t Z X I (proc(5))."""
    threads: int
    pgid: int
    sid: int
    tty_nr: int
    """Device number of the controlling terminal; 0 for none."""
    namespaces: Namespaces
    container: Container | None = None
    exe: str | None = None
    """Path of the executable; absent for kernel threads or without permission."""
    cgroup: str | None = None
    uids: tuple[int, int, int, int] | None = None
    """Real, effective, saved and file system uid."""
    rss_bytes: int | None = None
    """Resident memory in bytes: what an image will roughly take."""
    inner_sid: int | None = None
    """Session id in the process's own pid namespace (NSsid, proc_pid_status(5)); 0: its leader is outside of that."""

    @property
    def has_foreign_session(self) -> bool:
        """Its session leader has no number in its own pid namespace; CRIU refuses that (``dump_one_task``)."""
        return 0 in {self.sid, self.inner_sid}


class DescriptorKind(StrEnum):
    """What stands behind a file descriptor."""

    TCP = "tcp"
    UDP = "udp"
    UNIX = "unix"
    RAW = "raw"
    PACKET = "packet"
    NETLINK = "netlink"
    SCTP = "sctp"
    MPTCP = "mptcp"
    OTHER_SOCKET = "socket"
    FILE = "file"
    DIRECTORY = "directory"
    PIPE = "pipe"
    TERMINAL = "terminal"
    DEVICE = "device"
    IO_URING = "io_uring"
    EVENT = "event"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One open file descriptor of one process, as far as CRIU cares."""

    pid: int
    fd: int
    kind: DescriptorKind
    target: str
    """The link text of /proc/PID/fd/FD, hostile."""
    inode: int | None = None
    peer_inode: int | None = None
    """Unix sockets: inode of the other end, where unix_diag tells; None if unconnected or unknown."""
    peer_pids: tuple[int, ...] = ()
    """Unix sockets and pipes: who else holds the other end. Pidfds: the process."""
    locked: bool = False
    """A file lock of this process is on the file (/proc/locks)."""
    other_pids: tuple[int, ...] = ()
    """Sockets: who else on this host holds this very one."""
    allocated: int | None = None
    """Regular files: bytes that take space, without holes."""
    mount_visible: bool | None = None
    """What has a path: the process or its tree sees the mount that it is on; None for all else, and if unknown."""
