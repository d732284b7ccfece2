"""Where the kernel's trace files are: mounted, or as a mount that only this process has.

On a host where nobody mounted tracefs, a detached mount (fsopen(2), fsmount(2), Linux 5.2) serves: it has no path, is
in no mount table, and ends with its descriptor.
"""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

PLACES = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))

# The same numbers on every architecture (include/uapi/asm-generic/unistd.h).
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_FSCONFIG_CMD_CREATE = 6
_CLOSE_ON_EXEC = 1


@contextlib.contextmanager
def tracefs() -> Iterator[Path]:
    """The directory, as long as the context lasts. Raises OSError if there is none to be had."""
    for place in PLACES:
        if (place / "instances").is_dir():
            yield place
            return
    descriptor = _detached_mount()
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _detached_mount() -> int:
    """A descriptor of the root of tracefs."""
    context = _system_call(_FSOPEN, b"tracefs", _CLOSE_ON_EXEC)
    try:
        _system_call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        mount = _system_call(_FSMOUNT, context, _CLOSE_ON_EXEC, 0)
    finally:
        os.close(context)
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
    finally:
        os.close(mount)


def _system_call(number: int, *arguments: object) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "tracefs")
    return result
