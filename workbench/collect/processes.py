"""Every process of the host (proc(5))."""

import os
import pwd
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType

from workbench.collect import procfs
from workbench.collect.containers import container_of, main_path, parse_cgroup
from workbench.collect.process_stat import ProcessStat, parse_stat
from workbench.collect.process_status import ProcessStatus, parse_status
from workbench.collect.runc import ROOTS, RuncStates
from workbench.evidence import Container, Gap, Namespaces, Process

_LOOK_AGAIN = 8
"""After so many rounds all of a process is read again though it seems to be the same."""
_PAGE = os.sysconf("SC_PAGESIZE")
_NAMESPACES = tuple(field.name for field in fields(Namespaces))


def parse_argv(cmdline: bytes) -> tuple[str, ...]:
    """Arguments from /proc/PID/cmdline: each ends with a NUL, unless the program wrote over them."""
    if not cmdline.strip(b"\0"):
        return ()
    return tuple(part.decode(errors="surrogateescape") for part in cmdline.removesuffix(b"\0").split(b"\0"))


@dataclass(frozen=True, slots=True)
class _Lasting:
    """What a process keeps for most of its life, with the stat that it was read beside."""

    seen_as: tuple[int, str, int]
    """Its identity and its session."""
    argv: tuple[str, ...]
    status: ProcessStatus
    namespaces: Namespaces
    container: Container | None
    exe: str | None
    cgroup: str | None


class ProcessReader:
    """Reads processes again and again; what lasts is read anew when the program changes, and now and then."""

    def __init__(self, proc: Path = procfs.PROC, runc_roots: Iterable[str] = ROOTS) -> None:
        self._proc = proc
        self._runc = RuncStates(runc_roots)
        self._by_cgroup: Mapping[str, Container] = {}
        self._lasting: dict[int, _Lasting] = {}
        self._users: dict[int, str] = {}
        self._round = 0

    def read(self) -> Mapping[int, Process] | Gap:
        """Every process by pid; those that end meanwhile are left out."""
        self._round += 1
        self._by_cgroup = self._runc.by_cgroup()
        before, self._lasting = self._lasting, {}
        found: dict[int, Process] = {}
        for pid in procfs.pids(self._proc):
            data = procfs.read(f"{self._proc}/{pid}/stat")
            stat = None if data is None else parse_stat(data)
            if stat is None:
                continue
            lasting = before.get(pid)
            if (
                lasting is None
                or lasting.seen_as != (*stat.identity, stat.sid)
                or (pid + self._round) % _LOOK_AGAIN == 0
            ):
                lasting = self._read_lasting(pid, stat)
            if lasting is not None:
                self._lasting[pid] = lasting
                found[pid] = self._process(pid, stat, lasting)
        if not found:
            return Gap("processes", "/proc is not readable", "mount proc on /proc")
        return MappingProxyType(found)

    def _read_lasting(self, pid: int, stat: ProcessStat) -> _Lasting | None:
        directory = f"{self._proc}/{pid}"
        status = parse_status(procfs.read(f"{directory}/status") or b"")
        if status is None:
            return None
        paths = parse_cgroup(procfs.read(f"{directory}/cgroup") or b"")
        namespaces = Namespaces(*(procfs.link_inode(f"{directory}/ns/{name}", name) for name in _NAMESPACES))
        argv = parse_argv(procfs.read(f"{directory}/cmdline") or b"")
        try:
            exe = procfs.readlink(f"{directory}/exe")
        except OSError:
            exe = None
        container = container_of(paths) or next(
            (self._by_cgroup[path] for path in paths if path in self._by_cgroup), None
        )
        return _Lasting((*stat.identity, stat.sid), argv, status, namespaces, container, exe, main_path(paths))

    def _process(self, pid: int, stat: ProcessStat, lasting: _Lasting) -> Process:
        uid = lasting.status.uids[0]
        if uid not in self._users:
            self._users[uid] = _user(uid)
        return Process(
            pid=pid,
            ppid=stat.ppid,
            start_time=stat.start_time,
            command=stat.command,
            argv=lasting.argv,
            uid=uid,
            user=self._users[uid],
            state=stat.state,
            threads=stat.threads,
            pgid=stat.pgid,
            sid=stat.sid,
            tty_nr=stat.tty_nr,
            namespaces=lasting.namespaces,
            container=lasting.container,
            exe=lasting.exe,
            cgroup=lasting.cgroup,
            uids=lasting.status.uids,
            rss_bytes=stat.rss_pages * _PAGE,
            inner_sid=lasting.status.inner_sid,
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def tree(processes: Mapping[int, Process], roots: Iterable[int]) -> tuple[int, ...]:
    """The roots and all their descendants, parents before children; roots that do not exist are left out."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for process in processes.values():
        children[process.ppid].append(process.pid)
    found: dict[int, None] = {}
    waiting = [pid for pid in roots if pid in processes]
    while waiting:
        pid = waiting.pop(0)
        if pid not in found:
            found[pid] = None
            waiting.extend(sorted(children[pid]))
    return tuple(found)
