"""Looking into a network namespace that was listed a moment ago and may have ended since."""

import os
from collections.abc import Callable
from typing import TypeVar

from workbench.collect.namespaces import inside
from workbench.evidence import NetworkNamespace

Result = TypeVar("Result")


class NamespaceEndedError(Exception):
    """The namespace is gone: nothing to see, which is no gap."""


def within(namespace: NetworkNamespace, function: Callable[[], Result]) -> Result:
    """Call ``function`` within that very namespace, through any of its processes if the first path is gone.

    Raises NamespaceEndedError, OSError if the namespace may not be entered, and whatever ``function`` raises.
    """
    entered = False

    def checked() -> Result:
        nonlocal entered
        # A pid may have been taken by a process of another namespace since.
        if os.stat("/proc/thread-self/ns/net").st_ino != namespace.inode:  # noqa: PTH116 - each second, each namespace
            raise ProcessLookupError
        entered = True
        return function()

    for path in dict.fromkeys((namespace.path, *(f"/proc/{pid}/ns/net" for pid in namespace.pids))):
        try:
            return inside(path, checked)
        except (FileNotFoundError, ProcessLookupError):
            if entered:
                raise
    raise NamespaceEndedError(namespace.path)
