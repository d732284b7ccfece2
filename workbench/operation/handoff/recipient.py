"""Whoever a connection goes to, reached before anything is touched."""

import os
import socket
import subprocess
import sys

from workbench import environment
from workbench.errors import WorkbenchError
from workbench.evidence import NetworkNamespace
from workbench.operation.handoff.plan import HandoffPlan
from workbench.repair.transfer import Recipient


def reach(plan: HandoffPlan) -> Recipient | None:
    """The process that waits, or one that is started; None if it stays in a file. Raises WorkbenchError."""
    if plan.request.to:
        return Recipient.at(plan.request.to)
    if plan.request.command:
        assert plan.target is not None
        return _started(plan.request.command, plan.target)
    return None


def _started(command: tuple[str, ...], target: NetworkNamespace) -> Recipient:
    """A process that waits for the connection and becomes the command then; it outlives us."""
    here = os.stat("/proc/self/ns/net").st_ino == target.inode  # noqa: PTH116
    entering = [] if here else ["nsenter", f"--net={target.path}", "--"]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with theirs:
            # -P: modules of the directory that we happen to be in are not for it.
            process = subprocess.Popen(
                [*entering, sys.executable, "-P", "-m", "workbench.repair.launch", *command],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=environment.of_others(),
            )
    except OSError as error:
        ours.close()
        raise WorkbenchError(f"{command[0]} cannot be started: {error.strerror}") from error
    return Recipient(ours, process.pid)
