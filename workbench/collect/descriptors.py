"""What the processes of a tree have open, as far as it decides whether CRIU can dump them."""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.collect import procfs
from workbench.evidence import Descriptor, DescriptorKind, Gap, Holder

_SOCKETS = {
    "TCP": DescriptorKind.TCP,
    "TCPv6": DescriptorKind.TCP,
    "MPTCP": DescriptorKind.MPTCP,
    "MPTCPv6": DescriptorKind.MPTCP,
    "UDP": DescriptorKind.UDP,
    "UDPv6": DescriptorKind.UDP,
    "UDP-Lite": DescriptorKind.UDP,
    "UDPLITEv6": DescriptorKind.UDP,
    "UNIX": DescriptorKind.UNIX,
    "UNIX-STREAM": DescriptorKind.UNIX,
    "RAW": DescriptorKind.RAW,
    "RAWv6": DescriptorKind.RAW,
    "PACKET": DescriptorKind.PACKET,
    "NETLINK": DescriptorKind.NETLINK,
    "SCTP": DescriptorKind.SCTP,
    "SCTPv6": DescriptorKind.SCTP,
}
"""By the kernel's name of the protocol (``struct proto.name``)."""
_EVENTS = ("[eventfd]", "[eventpoll]", "[timerfd]", "[signalfd]", "[fanotify]", "inotify", "[userfaultfd]")
_WITH_PATH = {DescriptorKind.FILE, DescriptorKind.DIRECTORY, DescriptorKind.DEVICE, DescriptorKind.TERMINAL}
_TTY_MAJORS = {4, 5, *range(136, 144)}  # virtual consoles, /dev/tty and /dev/console, pseudo terminals


@dataclass(frozen=True, slots=True)
class Ends:
    """Who is at the other end."""

    unix_peers: Mapping[int, int] = field(default_factory=dict)
    """Inode of the other end, by inode of a unix socket."""
    sockets: Mapping[int, tuple[Holder, ...]] = field(default_factory=dict)
    """Holders by inode of the socket, of all processes of the host."""
    pipes: Mapping[int, tuple[Holder, ...]] = field(default_factory=dict)
    """Holders of either end, by inode of the pipe."""


def collect_descriptors(
    pids: Iterable[int], ends: Ends, proc: Path = procfs.PROC
) -> tuple[tuple[Descriptor, ...] | Gap, tuple[Gap, ...]]:
    """Every descriptor of these processes, and a gap for each process that could not be looked into.

    Only links, stat(2), the name of a socket's protocol and fdinfo are read: nothing is opened or duplicated.
    """
    found: list[Descriptor] = []
    gaps: list[Gap] = []
    looked = 0
    pids = tuple(pids)
    mounts = frozenset[bytes]().union(*(_mounts(proc, pid) for pid in pids))
    for pid in pids:
        try:
            fds = sorted(int(name) for name in procfs.names(f"{proc}/{pid}/fd"))
            found.extend(each for fd in fds if (each := _descriptor(proc, pid, fd, ends, mounts)) is not None)
            looked += 1
        except PermissionError:
            gaps.append(
                Gap("descriptors", f"open files of process {pid} may not be read", "run as root with CAP_SYS_PTRACE")
            )
        except (FileNotFoundError, ProcessLookupError):
            gaps.append(Gap("descriptors", f"process {pid} ended"))
    if gaps and not looked:
        return gaps[0], tuple(gaps[1:])
    return tuple(found), tuple(gaps)


def _descriptor(proc: Path, pid: int, fd: int, ends: Ends, mounts: frozenset[bytes]) -> Descriptor | None:
    """One descriptor; None if it was closed meanwhile. Raises PermissionError."""
    path = f"{proc}/{pid}/fd/{fd}"
    try:
        target = procfs.readlink(path)
    except FileNotFoundError:
        return None
    try:
        status: os.stat_result | None = Path(path).stat()
    except OSError:
        status = None
    kind = _kind(path, target, status)
    inode = procfs.inode_of(target, "socket") or procfs.inode_of(target, "pipe") or (status.st_ino if status else None)
    peer_inode = ends.unix_peers.get(inode) if kind is DescriptorKind.UNIX and inode else None
    info = _info(proc, pid, fd)
    peers: Iterable[Holder] = ()
    if peer_inode:
        peers = ends.sockets.get(peer_inode, ())
    elif kind is DescriptorKind.PIPE and inode:
        peers = _other_ends(proc, Holder(pid, fd, ""), ends.pipes.get(inode, ()))
    pids = {holder.pid for holder in peers}
    if info.get(b"Pid", b"-1").isdigit():
        pids.add(int(info[b"Pid"]))
    holders = ends.sockets.get(inode or 0, ()) if target.startswith("socket:") else ()
    on_a_path = kind in _WITH_PATH and target.startswith("/") and not target.startswith("/memfd:")
    return Descriptor(
        pid=pid,
        fd=fd,
        kind=kind,
        target=target,
        inode=inode,
        peer_inode=peer_inode,
        peer_pids=tuple(sorted(pids)),
        locked=b"lock" in info,
        other_pids=tuple(sorted({holder.pid for holder in holders} - {pid})),
        allocated=status.st_blocks * 512 if status and stat.S_ISREG(status.st_mode) else None,
        mount_visible=info[b"mnt_id"] in mounts if on_a_path and mounts and b"mnt_id" in info else None,
    )


def _mounts(proc: Path, pid: int) -> frozenset[bytes]:
    """Numbers of the mounts that a process sees; empty if they cannot be read."""
    lines = (procfs.read(f"{proc}/{pid}/mountinfo") or b"").splitlines()
    return frozenset(line.split(b" ", 1)[0] for line in lines)


def _info(proc: Path, pid: int, fd: int) -> dict[bytes, bytes]:
    """Fields of fdinfo, as in ``mnt_id: 31``; of several locks the last."""
    lines = (procfs.read(f"{proc}/{pid}/fdinfo/{fd}") or b"").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(b":") for line in lines)}


def _kind(path: str, target: str, status: os.stat_result | None) -> DescriptorKind:
    if target.startswith("socket:["):
        return _SOCKETS.get(_protocol(path), DescriptorKind.OTHER_SOCKET)
    if target.startswith("anon_inode:"):
        name = target.removeprefix("anon_inode:")
        if name == "[io_uring]":
            return DescriptorKind.IO_URING
        return DescriptorKind.EVENT if name in _EVENTS else DescriptorKind.OTHER
    mode = status.st_mode if status else 0
    if target.startswith("pipe:[") or stat.S_ISFIFO(mode):
        return DescriptorKind.PIPE
    if status and stat.S_ISCHR(mode):
        return DescriptorKind.TERMINAL if os.major(status.st_rdev) in _TTY_MAJORS else DescriptorKind.DEVICE
    if stat.S_ISBLK(mode):
        return DescriptorKind.DEVICE
    if stat.S_ISDIR(mode):
        return DescriptorKind.DIRECTORY
    return DescriptorKind.FILE if stat.S_ISREG(mode) else DescriptorKind.OTHER


def _protocol(path: str) -> str:
    """The kernel's name of a socket's protocol, whichever namespace it is in; empty if it does not tell.

    Every socket has it as an extended attribute of its inode (net/socket.c, sockfs_xattr_get).
    """
    try:
        return os.getxattr(path, "system.sockprotoname").rstrip(b"\0").decode("ascii", "replace")
    except OSError:
        return ""


def _other_ends(proc: Path, end: Holder, holders: Iterable[Holder]) -> list[Holder]:
    """Of the holders of a pipe, those that have it open in the opposite direction."""
    mode = _access_mode(proc, end)
    wanted = {os.O_RDONLY: {os.O_WRONLY, os.O_RDWR}, os.O_WRONLY: {os.O_RDONLY, os.O_RDWR}}
    return [holder for holder in holders if _access_mode(proc, holder) in wanted.get(mode, {mode})]


def _access_mode(proc: Path, end: Holder) -> int:
    r"""O_RDONLY, O_WRONLY or O_RDWR from ``flags:\t0100001`` in fdinfo; -1 if it is gone."""
    flags = _info(proc, end.pid, end.fd).get(b"flags")
    return int(flags, 8) & os.O_ACCMODE if flags else -1
