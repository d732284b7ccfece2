"""Reads both queues of a live socket while every process that holds it stands still: a program of its own.

It lives in a session of its own and is asked by one line on standard input. On standard output it tells each step
before it takes it, so that whoever asked can put right what it leaves if it is killed; if whoever asked is killed, it
goes on to the end by itself. One of the two is enough for nobody to stay stopped.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from workbench.collect import procfs
from workbench.collect.sequences import SequenceReader
from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.operation.handoff.holders import Guard, holders_of
from workbench.operation.standstill import stop
from workbench.operation.task import Task, Tasks
from workbench.repair import constants as c
from workbench.repair.borrow import borrow
from workbench.repair.export import refusal
from workbench.repair.read import read_stopped
from workbench.repair.record import ReadSocket

STEPS = ("ready", "stopping", "released", "done", "refused")
_ROUNDS = 5
"""So often children that a holder begot meanwhile are stopped too, before it is given up."""
_URGENT = -15
"""Nice value: who makes others wait should not wait itself."""


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _URGENT)
    gc.disable()
    tell("ready")
    request = json.loads(sys.stdin.readline() or "null")
    if request is None:
        return
    try:
        perform(request["pid"], request["fd"], request["inode"], frozenset(request["apart"]))
    except WorkbenchError as error:
        tell("refused", message=error.message, hint=error.hint)
    except OSError as error:
        tell("refused", message=f"The queues cannot be read: {error}", hint="")


def perform(pid: int, fd: int, inode: int, apart: frozenset[int]) -> None:
    """Stop, read, let go, tell. ``apart``: processes that hold the socket only to look. Raises WorkbenchError."""
    guard = Guard(inode)
    holders = [each for each in holders_of(inode) if each[0] not in apart]
    pids = {holder for holder, _ in holders}
    with borrow(pid, fd, inode) as sock:
        facts = before_the_stop(sock, pid, fd, inode, pids)
        if unseen := _holders_by_kernel(sock) - pids - apart - {os.getpid()}:
            raise WorkbenchError(
                f"Process {min(unseen)} holds the socket too, in a thread with descriptors of its own",
                "the receive queue can be read without a stop",
            )
    with contextlib.ExitStack() as stack:
        held: list[Task] = []
        threads = 0
        started = 0.0
        try:
            for _ in range(_ROUNDS):
                known = {task.pid for task in held}
                tasks = stack.enter_context(Tasks((each, None) for each in sorted(pids - known)))
                running = [task for task in tasks.alive if task.state not in "tT"]
                held += tasks.all
                facts["stopped"] += [(task.pid, task.start_time) for task in running]
                tell("stopping", **facts)
                started = started or time.perf_counter()
                stop(running)
                threads += sum(len(task.threads) for task in running)
                newcomers = set(guard.newcomers()) - apart - pids
                if not newcomers:
                    break
                pids |= newcomers
            else:
                raise WorkbenchError("The processes that hold the socket multiply too quickly", "try again")
            read = read_stopped([each for each in holders if each[0] in pids] or [(pid, fd)], inode)
        finally:
            let_go(facts["stopped"])
            length = (time.perf_counter() - started) * 1000
            tell("released")
    tell_result(read, len(facts["stopped"]), threads, length)


def before_the_stop(sock: socket.socket, pid: int, fd: int, inode: int, pids: Iterable[int]) -> dict[str, Any]:
    """What must be as it was afterwards. Raises WorkbenchError if the socket cannot be read so."""
    if reason := refusal(sock):
        raise WorkbenchError(f"The send queue cannot be read: {reason}")
    for holder in pids:
        if holder <= 1:
            raise WorkbenchError("Process 1 holds the socket, and it cannot be stopped")
        if _has_io_uring(holder):
            raise WorkbenchError(
                f"Process {holder} uses io_uring, which may work on the socket while the process is stopped",
                "the receive queue can be read without a stop",
            )
    try:
        peek_off = sock.getsockopt(socket.SOL_SOCKET, c.SO_PEEK_OFF)
    except OSError:
        peek_off = -1
    reuse = sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    return {"pid": pid, "fd": fd, "inode": inode, "reuse": reuse, "peek_off": peek_off, "stopped": []}


def put_right(facts: dict[str, Any]) -> None:
    """Undo what was told by ``stopping``: repair mode off first, then the processes run on. Again it does nothing."""
    inode = int(facts["inode"])
    for pid, fd in [(int(facts["pid"]), int(facts["fd"])), *holders_of(inode)]:
        try:
            with borrow(pid, fd, inode) as sock:
                if sock.getsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR):
                    sock.setsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR, c.REPAIR_OFF_SILENT)
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) != facts["reuse"]:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(facts["reuse"]))
                if int(facts["peek_off"]) >= 0:
                    sock.setsockopt(socket.SOL_SOCKET, c.SO_PEEK_OFF, int(facts["peek_off"]))
            break
        except (WorkbenchError, OSError):  # gone: another holder has it too, or the socket is gone with it
            continue
    let_go(facts["stopped"])


def let_go(stopped: Iterable[tuple[int, int]]) -> None:
    """Processes that stand still since we stopped them run on."""
    for pid, start_time in stopped:
        task = Task.hold(int(pid), int(start_time))
        if task is not None:
            task.signal(signal.SIGCONT)
            task.close()


def tell(step: str, **facts: Any) -> None:
    """One line for whoever asked; that nobody listens any more changes nothing."""
    with contextlib.suppress(OSError):
        os.write(1, (json.dumps({"at": step, **facts}) + "\n").encode())


def tell_result(read: ReadSocket, processes: int, threads: int, length: float) -> None:
    ends = read.connection
    tell(
        "done",
        connection=[ends.local.address, ends.local.port, ends.peer.address, ends.peer.port],
        state=read.state.name,
        sequences={name: value for name, value in asdict(read.sequences).items() if name != "clockwork"},
        received=len(read.queue.received),
        sent=len(read.queue.sent),
        unsent=read.queue.unsent,
        processes=processes,
        threads=threads,
        milliseconds=length,
        repair_ms=read.milliseconds,
    )
    with contextlib.suppress(OSError), open(1, "wb", closefd=False) as output:
        output.write(read.queue.received)
        output.write(read.queue.sent)


def _holders_by_kernel(sock: socket.socket) -> set[int]:
    """Every process that holds the socket, as the kernel lists descriptors; none where it cannot be asked."""
    cookie = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, c.SO_COOKIE, 8), sys.byteorder)
    reader = SequenceReader()
    try:
        rows = reader.read_owned()
        if isinstance(rows, Gap) or not reader.pids_are_ours:
            return set()
        return {int(tgid) for tgid in rows["tgid"][rows["cookie"] == cookie]}
    finally:
        reader.close()


def _has_io_uring(pid: int) -> bool:
    try:
        names = procfs.names(f"/proc/{pid}/fd")
    except OSError:
        return False
    for name in names:
        try:
            if procfs.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:[io_uring]":
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    main()
