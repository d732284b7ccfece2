"""Network namespaces of the host, and running code within one."""

import ctypes
import os
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workbench.collect import procfs
from workbench.evidence import Gap, NetworkNamespace

Result = TypeVar("Result")

_CLONE_NEWNET = 0x40000000
_NAMED = re.compile(r"/(?:var/)?run/netns/([^/]+)")
_OCTAL = re.compile(rb"\\([0-7]{3})")


def inside(path: str | Path, function: Callable[[], Result]) -> Result:
    """Call ``function`` within the network namespace that ``path`` names, and return what it returns.

    It runs in a thread of its own that ends afterwards, so the namespace of the caller never changes (setns(2)
    concerns one thread). A socket made in there belongs to that namespace for good. In there ``/proc/sys/net`` follows,
    but ``/proc/net`` is that of the main thread: read ``/proc/thread-self/net``.
    Raises OSError if the namespace cannot be entered, and whatever ``function`` raises.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            _enter(path)
            outcome.append(function())
        except BaseException as error:  # handed to the caller
            failure.append(error)

    thread = threading.Thread(target=run, name="inside-netns")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _enter(path: str | Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns comes with Python 3.12
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.path.samestat(os.fstat(descriptor), Path("/proc/thread-self/ns/net").stat()):
            return  # setns(2) wants privileges even for the namespace in which one is
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def mounted_namespaces(mountinfo: bytes) -> dict[int, tuple[str, ...]]:
    r"""Paths on which network namespaces are mounted, by inode of the namespace (proc(5), mountinfo).

    Example: ``513 25 0:4 net:[4026532280] /run/netns/app rw shared:9 - nsfs nsfs rw``.
    """
    paths: defaultdict[int, list[str]] = defaultdict(list)
    for line in mountinfo.splitlines():
        fields = line.split(b" ")
        if len(fields) < 5:
            continue
        inode = procfs.inode_of(fields[3].decode(errors="surrogateescape"), "net")
        if inode is not None:
            path = os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), fields[4]))
            if path not in paths[inode]:
                paths[inode].append(path)
    return {inode: tuple(found) for inode, found in paths.items()}


def collect_namespaces(
    proc: Path = procfs.PROC,
) -> tuple[tuple[NetworkNamespace, ...] | Gap, tuple[Gap, ...]]:
    """Every network namespace that a process or a mount keeps alive, the workbench's own first.

    Not seen: one that only an open descriptor or a thread that left its process's namespace keeps alive.
    """
    host = procfs.link_inode(proc / "self/ns/net", "net")
    if host is None:
        return Gap("namespaces", "/proc is not readable", "mount proc on /proc"), ()
    members: defaultdict[int, list[int]] = defaultdict(list)
    refused = 0
    for pid in procfs.pids(proc):
        try:
            inode = procfs.inode_of(procfs.readlink(f"{proc}/{pid}/ns/net"), "net")
        except PermissionError:
            # Pid 1 of a sandbox may hold capabilities that even its root has not; it lives where it put us.
            refused += pid != 1
            continue
        except OSError:  # it ended, or is a zombie
            continue
        if inode is not None:
            members[inode].append(pid)
    mounts = mounted_namespaces(procfs.read(proc / "self/mountinfo") or b"")
    inodes = [host, *sorted((members.keys() | mounts.keys()) - {host})]
    found = tuple(
        _namespace(proc, inode, inode == host, members.get(inode, []), mounts.get(inode, ())) for inode in inodes
    )
    if not refused:
        return found, ()
    reason = f"the network namespaces of {refused} processes may not be read, some may be missing"
    return found, (Gap("namespaces", reason, "run as root"),)


def _namespace(proc: Path, inode: int, is_host: bool, pids: list[int], mounts: tuple[str, ...]) -> NetworkNamespace:
    names = dict.fromkeys(match[1] for path in mounts if (match := _NAMED.fullmatch(path)))
    entrances = [f"{proc}/self/ns/net"] if is_host else [*mounts, *(f"{proc}/{pid}/ns/net" for pid in pids)]
    return NetworkNamespace(inode, entrances[0], tuple(names), tuple(pids), is_host)
