"""Looking into a network namespace that was listed a moment ago and may have ended since."""

import os
from collections.abc import Callable
from typing import TypeVar

from workbench.collect.namespaces import inside
from workbench.evidence import NetworkNamespace

Result = TypeVar("Result")


def within(namespace: NetworkNamespace, function: Callable[[], Result]) -> Result:
    """Call ``function`` within that very namespace, through any of its processes if the first path is gone.

    Raises FileNotFoundError if the namespace has ended, which is no gap; another OSError if it may not be entered.
    """
    ended: OSError = FileNotFoundError(namespace.path)
    for path in dict.fromkeys((namespace.path, *(f"/proc/{pid}/ns/net" for pid in namespace.pids))):
        try:
            return inside(path, lambda: _checked(namespace.inode, function))
        except (FileNotFoundError, ProcessLookupError) as error:
            ended = FileNotFoundError(*error.args)
    raise ended


def _checked(inode: int, function: Callable[[], Result]) -> Result:
    # A pid may have been taken by a process of another namespace since.
    if os.stat("/proc/thread-self/ns/net").st_ino != inode:  # noqa: PTH116 - each second in each namespace
        raise FileNotFoundError
    return function()
