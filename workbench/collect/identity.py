"""Names for what outlives a process that is killed, which tell the next one whether anybody still needs it."""

import os
from pathlib import Path

from workbench.collect import procfs
from workbench.collect.process_stat import parse_stat

_FIRST_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO (include/linux/proc_ns.h)


def own_name() -> str:
    """``PID-START``, start in clock ticks after boot; with ``+INODE`` of the pid namespace, unless it is the first."""
    return f"{os.getpid()}-{_start_time(os.getpid())}{_namespace()}"


def is_gone(name: str) -> bool:
    """Whether the process that has this name is gone; also if it is no such name. Never of another pid namespace."""
    identity, plus, namespace = name.partition("+")
    pid, _, start = identity.partition("-")
    if not pid.isdecimal():
        return True
    if plus + namespace != _namespace():
        return False  # several containers may see one /tmp or tracefs: its pid says nothing here
    return not start or _start_time(int(pid)) != start


def _namespace() -> str:
    inode = Path("/proc/self/ns/pid").stat().st_ino
    return "" if inode == _FIRST_PID_NAMESPACE else f"+{inode}"


def _start_time(pid: int) -> str:
    """Empty if there is no such process, or only a zombie of it."""
    data = procfs.read(f"/proc/{pid}/stat")
    stat = None if data is None else parse_stat(data)
    return "" if stat is None or stat.state in {"Z", "X"} else str(stat.start_time)
