"""A running client of a lab, asked for what both ends have verified."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.collect import procfs
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint
from workbench.lab.container import container_id, make_bundle, start_command
from workbench.lab.namespaces import Host
from workbench.lab.programs.arguments import endpoint
from workbench.lab.scenario import ClientProgram, ServerProgram
from workbench.operation.container import container_named

LARGEST_ANSWER = 1 << 20
ANSWER_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Talked:
    """What the programs at both ends have seen of one connection."""

    connection: Connection | None
    """Seen from the server; None if it was never made."""
    sent: int = 0
    """Bytes that the client's socket took."""
    to_server: int = 0
    """Bytes from client to server that the server has verified, as far as the client was told."""
    to_client: int = 0
    """Bytes from server to client that the client has verified."""
    longest_gap_ms: float = 0.0
    """Longest time in which nothing arrived at the client, since the start or since this was asked to be forgotten."""
    problem: str = ""
    """The first thing that was wrong with the bytes, one sentence; empty if nothing is."""
    ended: str = ""
    """Name of the errno that ended the connection, or ``EOF``; empty while it lives."""

    @property
    def verified(self) -> int:
        """Bytes that were verified, both directions together."""
        return self.to_server + self.to_client


class Peer:
    """A client program on its host."""

    def __init__(self, host: Host, client: ClientProgram, server: ServerProgram) -> None:
        self.client = client
        self._listening = Endpoint(*endpoint(server.listen))
        self._count = 0
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGEST_ANSWER)
        program = [*run_module("client"), "--connect", server.listen, "--connections", str(client.connections)]
        with theirs:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_ANSWER)
            self.pid = host.start([*program, *pace_arguments(client)], theirs)
        self._control = ours

    def talked(self) -> tuple[Talked, ...]:
        """Each connection as it is now."""
        return self._ask(0, ANSWER_TIMEOUT_S)

    def forget_gap(self) -> tuple[Talked, ...]:
        """As ``talked``; from now on the longest gap is measured anew."""
        return self._ask(0, ANSWER_TIMEOUT_S, forget_gap=True)

    def end(self, how: str) -> None:
        """End each connection: ``shutdown`` what is sent, ``close`` all of it."""
        self._ask(0, ANSWER_TIMEOUT_S, end=how)

    def write_at(self, rate: int) -> None:
        """Let it write so many bytes a second on each connection from now on."""
        self._ask(0, ANSWER_TIMEOUT_S, writes=rate)

    def await_verified(self, count: int, timeout: float) -> tuple[Talked, ...]:
        """Wait until both ends have verified ``count`` more bytes in each direction of each connection.

        Comes back earlier if connections end or go wrong so that only the others need waiting for, and at the latest
        after ``timeout`` seconds: look at what is returned.
        """
        try:
            return self._ask(count, timeout)
        except TimeoutError:
            return self.talked()

    def close(self) -> None:
        """Let the client end."""
        self._control.close()

    def _ask(self, count: int, timeout: float, **orders: object) -> tuple[Talked, ...]:
        self._count += 1
        request = {"id": self._count, "bytes": count, **orders}
        try:
            self._control.send(json.dumps(request).encode())
            answer = self._answer_to(self._count, time.monotonic() + timeout)
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        if answer is None:
            raise WorkbenchError(f"the lab's client {self.pid} is gone")
        return tuple(self._rows(answer["connections"]))

    def _answer_to(self, number: int, deadline: float) -> dict[str, Any] | None:
        """The answer to one request; older ones that come late are left aside. None if the client is gone."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._control.settimeout(left)
            message = self._control.recv(LARGEST_ANSWER)
            if not message:
                return None
            answer: dict[str, Any] = json.loads(message)
            if answer["id"] == number:
                return answer

    def _rows(self, rows: list[dict[str, Any]]) -> Iterator[Talked]:
        for row in rows:
            if "port" not in row:
                yield Talked(None, ended=row["ended"])
                continue
            problem = row["problem_here"]
            if not problem and row["mismatch_there"] is not None:
                problem = f"the server got a wrong byte at {row['mismatch_there']}"
            yield Talked(
                Connection(self._listening, Endpoint(row["address"], row["port"])),
                row["sent"],
                row["verified_there"],
                row["verified_here"],
                row["longest_gap_ms"],
                problem,
                row["ended"],
            )


def start_server(host: Host, server: ServerProgram) -> int:
    """Start the program that will be dumped, wait until it listens, and return its pid."""
    module = "careless" if server.parent == "careless" else "server"
    pid = _start(host, server_command(server, module))
    if server.parent != "careless":
        return pid
    return int((procfs.read(f"/proc/{pid}/task/{pid}/children") or b"").split()[0])


def start_container(host: Host, server: ServerProgram, place: Path, lab: str) -> int:
    """The same in a container, whose bundle is made at ``place``; the pid of its first process."""
    bundle = make_bundle(place, host, lab, server_command(server, "server"))
    _start(host, start_command(bundle, lab))
    return container_named(container_id(lab))[1]


def server_command(server: ServerProgram, module: str) -> list[str]:
    """The program that will be dumped, argument by argument."""
    return [*run_module(module), "--listen", server.listen, *pace_arguments(server), *_manners(server)]


def start_caller(host: Host, connect: str, *, writes: int | None, reads: int | None) -> int:
    """Start a program that calls a server and can be dumped, wait until it is connected, and return its pid."""
    paces = {"--writes": writes, "--reads": reads}
    given = [word for name, value in paces.items() if value is not None for word in (name, str(value))]
    return _start(host, [*run_module("caller"), "--connect", connect, *given])


def _start(host: Host, command: Sequence[str]) -> int:
    """Start a program that writes to its standard input once it is ready."""
    reading, writing = os.pipe()
    try:
        pid = host.start(command, writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        if not os.read(reading, 16):  # it ended before
            raise WorkbenchError(f"a program of the lab did not come so far: {' '.join(command)}")
    finally:
        os.close(reading)
    return pid


def _manners(server: ServerProgram) -> list[str]:
    things = [word for name in server.also for word in ("--also", name)]
    return [*things, *["--accepts-none"] * (not server.accepts), *["--closes-none"] * (not server.closes)]


def run_module(name: str) -> list[str]:
    """The command that runs one of the lab's programs."""
    return [sys.executable, "-m", f"workbench.lab.programs.{name}"]


def pace_arguments(program: ServerProgram | ClientProgram) -> list[str]:
    """How fast a program writes and reads, and its buffers, as its arguments."""
    given = {
        "--writes": program.writes,
        "--reads": program.reads,
        "--send-buffer": program.send_buffer,
        "--receive-buffer": program.receive_buffer,
        "--unit": program.unit,
    }
    return [word for name, value in given.items() if value is not None for word in (name, str(value))]
