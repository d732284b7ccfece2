"""The queues of a live socket: the receive queue without a stop, both with a short one that was agreed to."""

import contextlib
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.collect.sequences import SequenceReader
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, Gap, Queue, Sequences, TcpState
from workbench.evidence.queues import QueueName, QueuePart, SocketQueues, StopReport, parts_of
from workbench.operation import queue_stop
from workbench.operation.handoff.holders import holders_of
from workbench.operation.queue_stop import put_right
from workbench.operation.task import Task, command_of
from workbench.repair import constants as c
from workbench.repair.borrow import borrow
from workbench.repair.export import refusal
from workbench.repair.peek import peek_received

LIMIT = 64 << 20
"""Bytes of the receive queue that are looked at without a stop."""
_AGREED = 5
"""So often a look is repeated if the owner read meanwhile."""
_ANSWERS_S = 20.0
NOT_READ = Gap("queues", "the send queue is read only while every process that holds the socket is stopped", "--stop")
COMMAND = (sys.executable, "-P", "-m", "workbench.operation.queue_stop")


@dataclass(frozen=True, slots=True)
class LiveSocket:
    """A TCP socket of a running process."""

    pid: int
    fd: int
    inode: int

    @classmethod
    def at(cls, pid: int, fd: int) -> "LiveSocket":
        """The socket behind a descriptor. Raises WorkbenchError if there is none."""
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")  # noqa: PTH115 - no path, a word of the kernel's
        except PermissionError as error:
            raise WorkbenchError(
                f"Descriptors of process {pid} may not be looked at", "run the workbench as root"
            ) from error
        except OSError as error:
            raise WorkbenchError(
                f"Process {pid} has no descriptor {fd}: {error.strerror}", "`workbench sockets` lists both"
            ) from error
        if not target.startswith("socket:["):
            raise WorkbenchError(f"Descriptor {fd} of process {pid} is no socket", "`workbench sockets` lists them")
        return cls(pid, fd, int(target[8:-1]))


@dataclass(frozen=True, slots=True)
class StopPlan:
    """What reading the send queue takes; nothing has been touched."""

    socket: LiveSocket
    connection: Connection
    holders: tuple[tuple[int, str, int], ...]
    """Pid, command and threads of each process that is stopped; commands are hostile."""
    bytes: int
    """In both queues."""

    @property
    def threads(self) -> int:
        return sum(threads for _, _, threads in self.holders)

    @property
    def expected_ms(self) -> tuple[float, float]:
        """How long they will stand still: where nobody else wants the processors, and at most with today's load.

        Each thread must run once more to stop, so it takes as long as it waits for a processor.
        """
        least = 1.0 + 0.1 * self.threads + self.bytes / 2e6
        return least, 15 * least * max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0)


class QueueReader:
    """Looks at receive queues again and again; keeps what tells their sequence numbers. One thread at a time."""

    def __init__(self) -> None:
        self._sequences = SequenceReader()

    def peek(self, where: LiveSocket, limit: int = LIMIT) -> SocketQueues:
        """The receive queue, without stopping anybody; the send queue is a gap. Raises WorkbenchError."""
        with borrow(where.pid, where.fd, where.inode) as sock:
            connection, state = _connected(sock)
            cookie = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, c.SO_COOKIE, 8), sys.byteorder)
            before = self._numbers(cookie)
            for _ in range(_AGREED):
                content, waiting = peek_received(sock, limit)
                after = self._numbers(cookie)
                if before is None or after is None or before.copied_seq == after.copied_seq:
                    break
                before = after
            else:
                after = None  # the owner reads all the time: which byte is which cannot be told
        start = after.copied_seq if after else None
        received = QueuePart(QueueName.RECEIVED, content, waiting, start)
        origin = f"{command_of(where.pid)} {where.pid} fd {where.fd}"
        return SocketQueues(connection, state, origin, time.time(), received, NOT_READ, NOT_READ, after)

    def close(self) -> None:
        self._sequences.close()

    def _numbers(self, cookie: int) -> Sequences | None:
        found = self._sequences.read()
        return None if isinstance(found, Gap) else found.get(cookie)


def plan_stop(where: LiveSocket) -> StopPlan:
    """Who would have to stand still, and how long. Raises WorkbenchError if the socket cannot be read so."""
    with borrow(where.pid, where.fd, where.inode) as sock:
        if reason := refusal(sock):
            raise WorkbenchError(f"The send queue cannot be read: {reason}")
        connection, _ = _connected(sock)
        pids = sorted({pid for pid, _ in holders_of(where.inode)} - {os.getpid()})
        queue_stop.before_the_stop(sock, where.pid, where.fd, where.inode, pids)
        waiting = sum(_count(sock, request) for request in (c.SIOCINQ, c.SIOCOUTQ))
    holders = []
    for pid in pids:
        task = Task.hold(pid)
        if task is not None:
            holders.append((pid, command_of(pid), len(task.threads)))
            task.close()
    return StopPlan(where, connection, tuple(holders), waiting)


def read_with_stop(where: LiveSocket, command: Sequence[str] = COMMAND) -> SocketQueues:
    """Both queues, read while every process that holds the socket stands still. Raises WorkbenchError.

    Another process does it, ends it if we are killed, and is replaced by us if it is killed.
    """
    helper = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/", bufsize=0
    )
    assert helper.stdin is not None
    assert helper.stdout is not None
    told: dict[str, Any] = {}
    reader = _Lines(helper.stdout.fileno())
    try:
        reader.line("ready")
        request = {"pid": where.pid, "fd": where.fd, "inode": where.inode, "apart": [os.getpid()]}
        with contextlib.suppress(OSError):  # it is gone, which reading tells
            helper.stdin.write((json.dumps(request) + "\n").encode())
        while (answer := reader.line())["at"] != "done":
            told[answer["at"]] = answer
            if answer["at"] == "refused":
                raise WorkbenchError(answer["message"], answer["hint"])
        content = reader.rest(answer["received"] + answer["sent"])
        return _result(where, answer, content)
    finally:
        helper.kill()
        unread, _ = helper.communicate()
        for answer in reader.left(unread):
            told[answer["at"]] = answer
        if "stopping" in told and "released" not in told:
            put_right(told["stopping"])


class _Lines:
    """What the helper says, line by line, and the bytes after them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""

    def line(self, wanted: str | None = None) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        assert wanted in {None, answer["at"]}, answer
        return answer

    def rest(self, length: int) -> bytes:
        parts = [self._buffer]
        length -= len(self._buffer)
        self._buffer = b""
        while length > 0:
            self._more()
            parts.append(self._buffer)
            length -= len(self._buffer)
            self._buffer = b""
        return b"".join(parts)

    def left(self, unread: bytes) -> Iterator[dict[str, Any]]:
        """What it said before it ended and nobody has read yet."""
        for line in (self._buffer + unread).splitlines():
            try:
                answer = json.loads(line)
            except ValueError:  # contents of a queue
                return
            if not isinstance(answer, dict) or answer.get("at") not in queue_stop.STEPS:
                return
            yield answer

    def _more(self) -> None:
        if not select.select([self._descriptor], [], [], _ANSWERS_S)[0]:
            raise WorkbenchError("Who reads the queues does not answer; everybody runs on", "try again")
        more = os.read(self._descriptor, 1 << 20)
        if not more:
            raise WorkbenchError("Who reads the queues was killed; everybody runs on", "try again")
        self._buffer += more


def _result(where: LiveSocket, answer: dict[str, Any], content: bytes) -> SocketQueues:
    local, local_port, peer, peer_port = answer["connection"]
    state = TcpState[answer["state"]]
    sequences = Sequences(**answer["sequences"])
    queue = Queue(content[: answer["received"]], content[answer["received"] :], answer["unsent"])
    return SocketQueues(
        Connection(Endpoint(local, local_port), Endpoint(peer, peer_port)),
        state,
        f"{command_of(where.pid)} {where.pid} fd {where.fd}",
        time.time(),
        *parts_of(queue, sequences, state),
        sequences=sequences,
        stop=StopReport(answer["processes"], answer["threads"], answer["milliseconds"], answer["repair_ms"]),
    )


def _connected(sock: socket.socket) -> tuple[Connection, TcpState]:
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
        raise WorkbenchError("It is no TCP socket", "`workbench sockets` lists them")
    state = TcpState(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
    try:
        local, peer = sock.getsockname(), sock.getpeername()
    except OSError as error:
        raise WorkbenchError(f"The socket is not connected ({state.name}), it has no queues") from error
    ends = (Endpoint(address[0].partition("%")[0], address[1]) for address in (local, peer))
    return Connection(*ends), state


def _count(sock: socket.socket, request: int) -> int:
    (count,) = struct.unpack("=i", fcntl.ioctl(sock.fileno(), request, bytes(4)))
    return max(int(count), 0)
