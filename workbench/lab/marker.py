"""The mark by which everything that belongs to a lab is found again, whatever became of the lab."""

import contextlib
import itertools
import os
import secrets
import select
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.collect import procfs
from workbench.collect.identity import is_gone, own_name
from workbench.operation.container import RuncContainer
from workbench.operation.container import delete as remove

VARIABLE = "WORKBENCH_LAB"
"""Environment variable of every process of a lab; a restored process has it too, since its memory does."""
SCRATCH_PREFIX = "workbench-lab-"
RUNC_ROOT = "/run/runc"
"""State directory of containers that nobody named another one for."""
DEATH_TIMEOUT_S = 5.0
MEMORY = Path("/dev/shm")  # noqa: S108 - the tmpfs of every host; what is made there is named after its lab

_counter = itertools.count(1)


def new_id() -> str:
    """An identity of a new lab that tells who runs it: the name of this process, and a number."""
    return f"{own_name()}-{next(_counter)}"


def scratch_directory(lab: str) -> Path:
    """A new directory for the images of a lab."""
    return Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}{lab}-"))


def memory_directory(lab: str, name: str = "") -> Path:
    """A directory in memory for images of a lab, not made yet, that ``clean`` finds; a new one without a name."""
    memory = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    return memory / f"{SCRATCH_PREFIX}{lab}-{name or secrets.token_hex(4)}"


def lab_of(pid: int) -> str | None:
    """Identity of the lab that a process belongs to; None if to none, or if it is gone or a zombie."""
    environment = procfs.read(f"/proc/{pid}/environ") or b""
    for assignment in environment.split(b"\0"):
        if assignment.startswith(VARIABLE.encode() + b"="):
            return os.fsdecode(assignment[len(VARIABLE) + 1 :])
    return None


def members(lab: str) -> Iterator[int]:
    """Every process of one lab."""
    return (pid for pid in procfs.pids() if lab_of(pid) == lab)


def is_abandoned(lab: str) -> bool:
    """Whether whoever ran it is gone; also if the text is no identity of a lab."""
    return is_gone(lab.rpartition("-")[0])


def clean() -> list[str]:
    """End the processes and remove the directories of every abandoned lab; what was there, one line each."""
    found: list[str] = []
    for pid in procfs.pids():
        lab = lab_of(pid)
        if lab is not None and is_abandoned(lab):
            command = (procfs.read(f"/proc/{pid}/comm") or b"").decode(errors="surrogateescape").strip()
            if end(pid, lambda pid, lab=lab: lab_of(pid) == lab):  # type: ignore[misc]
                found.append(f"process {command} {pid} of lab {lab}")
    for directory in Path(RUNC_ROOT).glob(f"{SCRATCH_PREFIX}*"):
        if is_abandoned(directory.name.removeprefix(SCRATCH_PREFIX)):
            remove(RuncContainer(directory.name, RUNC_ROOT, bundle=""))
            found.append(f"container {directory.name}")
    places = {Path(tempfile.gettempdir()), MEMORY}
    for directory in (each for place in places for each in place.glob(f"{SCRATCH_PREFIX}*")):
        lab = directory.name.removeprefix(SCRATCH_PREFIX).rpartition("-")[0]
        if directory.lstat().st_uid == os.geteuid() and directory.is_dir() and is_abandoned(lab):
            shutil.rmtree(directory, ignore_errors=True)
            found.append(f"directory {directory}")
    return found


def end(pid: int, is_meant: Callable[[int], bool]) -> bool:
    """SIGKILL a process and wait until it is dead; nothing is done unless it still ``is_meant`` once it is held.

    False if it was not meant, or did not die within a few seconds.
    """
    if pid <= 1 or pid == os.getpid():
        return False
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_meant(pid):
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        return bool(select.select([descriptor], [], [], DEATH_TIMEOUT_S)[0])
    finally:
        os.close(descriptor)
