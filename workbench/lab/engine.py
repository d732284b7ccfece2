"""CRIU called as a container engine calls it: no workbench watches over it, and nobody puts right what it leaves."""

import os
import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workbench.criu.find import find_criu
from workbench.criu.rpc import CriuGone, Notification, Swrk
from workbench.errors import WorkbenchError
from workbench.evidence import Gap

LOG_LEVEL = 4
DEATH_TIMEOUT_S = 10.0


def call(
    kind: str,
    images: Path,
    netns_path: str,
    options: Mapping[str, object],
    *,
    killed_at: str = "",
    iptables: str = "",
) -> bool:
    """Have ``dump`` or ``restore`` done in a network namespace; whether it succeeded. The log lies in the images.

    ``killed_at``: the notification at which CRIU is killed. ``iptables``: the backend (``legacy``, ``nft``) that the
    commands ``iptables`` and so on mean to it.
    """
    tool = find_criu()
    if isinstance(tool, Gap):
        raise WorkbenchError(tool.reason, tool.remedy)
    images.mkdir(exist_ok=True)
    directory = os.open(images, os.O_RDONLY | os.O_DIRECTORY)
    given = {"images_dir_fd": directory, "log_file": f"{kind}.log", "log_level": LOG_LEVEL, **options}
    try:
        with _meaning(iptables, images.parent), Swrk(tool.path, netns_path) as criu:

            def answer(notification: Notification) -> bool:
                if notification.name == killed_at:
                    criu.kill()
                return True

            return criu.request(kind, given, answer).success
    except CriuGone:
        if not killed_at:
            raise
        return False
    finally:
        os.close(directory)


def await_end(pid: int) -> None:
    """Wait until a process has ended; it may be a zombie then. Raises WorkbenchError if it does not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([descriptor], [], [], DEATH_TIMEOUT_S)[0]:
            raise WorkbenchError(f"process {pid} of the lab did not end")
    finally:
        os.close(descriptor)


@contextmanager
def _meaning(backend: str, scratch: Path) -> Iterator[None]:
    """While it lasts, ``iptables`` on PATH is one of this backend."""
    if not backend:
        yield
        return
    tools = scratch / f"iptables-{backend}"
    tools.mkdir(exist_ok=True)
    for family in ("iptables", "ip6tables"):
        for end in ("", "-save", "-restore"):
            link = tools / f"{family}{end}"
            if not link.is_symlink():
                link.symlink_to(f"/usr/sbin/{family}-{backend}{end}")
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tools}:{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before
