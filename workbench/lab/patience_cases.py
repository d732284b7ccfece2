"""Ends of connections that wait for something that never comes, each on a host of its own, with little patience."""

import ctypes
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from workbench.collect.namespaces import inside
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, NetworkNamespace, Socket, SocketTimer, TcpState

ADDRESS = "127.0.0.1"
PATIENCE_S = 20.0
_CLONE_NEWNET = 0x40000000
_TCP_RTO_MAX_MS = 44
_TCP_THIN_LINEAR_TIMEOUTS = 16


@dataclass(frozen=True, slots=True)
class Waiting:
    """The end that is watched."""

    port: int
    """Its local one."""
    held: socket.socket | None
    """None: no process has it open, so that its end is that of its row in the kernel's list."""


class Scene:
    """A network namespace that lives as long as this process keeps it open, and sockets of this process in it."""

    def __init__(self) -> None:
        """Raises OSError without CAP_SYS_ADMIN."""
        self._open = ExitStack()
        self._entrance = _new_namespace()
        self._open.callback(os.close, self._entrance)
        self.namespace = NetworkNamespace(os.fstat(self._entrance).st_ino, f"/proc/{os.getpid()}/fd/{self._entrance}")
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *words: str, text: str = "") -> None:
        """Run a command in the namespace."""
        command = ["nsenter", f"--net={self.namespace.path}", *words]
        subprocess.run(command, input=text, text=True, check=True, capture_output=True, timeout=PATIENCE_S)

    def tcp(self) -> socket.socket:
        made = inside(self.namespace.path, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        made.settimeout(PATIENCE_S)
        return self._open.enter_context(made)

    def listener(self) -> socket.socket:
        made = self.tcp()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        made.bind((ADDRESS, 0))
        made.listen(4)
        return made

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """A connection: the end that will wait, and its peer, which reads nothing."""
        listener, client = self.listener(), self.tcp()
        client.connect(listener.getsockname())
        return client, self._open.enter_context(listener.accept()[0])

    def silence(self, port: int, way: str = "sport") -> None:
        """Nothing more arrives that comes from this port (``dport``: that goes to it)."""
        chain = f"chain input {{ type filter hook input priority 0; tcp {way} {port} drop\n }}"
        self.run("nft", "-f", "-", text=f"table inet silence_{way} {{\n {chain}\n }}\n")

    def await_socket(self, condition: Callable[[Socket], bool]) -> None:
        """Wait until the kernel lists such a socket here; it tells nobody when that is so."""
        diags = SockDiags()
        try:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                found, _ = SocketReader(diags).read((self.namespace,))
                if not isinstance(found, Gap) and any(map(condition, found)):
                    return
                if time.monotonic() > deadline:
                    raise WorkbenchError("a socket did not get into the state that it should have")
                time.sleep(0.01)
        finally:
            diags.close()

    def close(self) -> None:
        self._open.close()


def _new_namespace() -> int:
    """A descriptor of a new network namespace; the caller stays in its own."""
    made: list[int] = []

    def make() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) == 0:
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        raise WorkbenchError("a network namespace could not be made", "run it as root")
    return made[0]


def _port(end: socket.socket) -> int:
    return int(end.getsockname()[1])


def _set(end: socket.socket, **options: int) -> None:
    known = {"RTO_MAX_MS": _TCP_RTO_MAX_MS, "THIN_LINEAR_TIMEOUTS": _TCP_THIN_LINEAR_TIMEOUTS}
    for name, value in options.items():
        end.setsockopt(socket.IPPROTO_TCP, known.get(name) or getattr(socket, f"TCP_{name}"), value)


def _sends(**options: int) -> Callable[[Scene], Waiting]:
    """It has sent something that is not acknowledged."""

    def make(scene: Scene) -> Waiting:
        end, peer = scene.pair()
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")  # with BBR no stream counts as thin
        _set(end, **options)
        scene.silence(_port(peer))
        end.send(b"unanswered")
        return Waiting(_port(end), end)

    return make


def _idle(**options: int) -> Callable[[Scene], Waiting]:
    """It has nothing to send and asks from time to time."""

    def make(scene: Scene) -> Waiting:
        end, peer = scene.pair()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        _set(end, **options)
        scene.silence(_port(peer))
        return Waiting(_port(end), end)

    return make


def _before_a_closed_window(*, answered: bool, **options: int) -> Callable[[Scene], Waiting]:
    """It has filled the peer's window and has more to send; the peer answers probes, or does not."""

    def make(scene: Scene) -> Waiting:
        end, peer = scene.pair()
        _set(end, **options)
        end.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                end.send(bytes(65536))
        scene.await_socket(lambda each: each.timer is SocketTimer.PROBE)
        if not answered:
            scene.silence(_port(peer))
        return Waiting(_port(end), end)

    return make


def _connects(**options: int) -> Callable[[Scene], Waiting]:
    def make(scene: Scene) -> Waiting:
        listener, end = scene.listener(), scene.tcp()
        scene.silence(_port(listener))
        _set(end, **options)
        end.setblocking(False)
        end.connect_ex(listener.getsockname())
        return Waiting(_port(end), end)

    return make


def _is_called(scene: Scene) -> Waiting:
    """A listener has answered a SYN, and the caller hears nothing of it."""
    listener = scene.listener()
    scene.silence(_port(listener))
    caller = scene.tcp()
    caller.setblocking(False)
    caller.connect_ex(listener.getsockname())
    scene.await_socket(lambda each: each.state is TcpState.SYN_RECV)
    scene.silence(_port(listener), "dport")  # the caller's SYN comes again, and would begin it anew
    return Waiting(_port(listener), None)


def _closed(*, silent: bool, **options: int) -> Callable[[Scene], Waiting]:
    """Its program has closed it: its FIN is not acknowledged, or is, and the peer's does not come."""

    def make(scene: Scene) -> Waiting:
        end, peer = scene.pair()
        _set(end, **options)
        port = _port(end)
        if silent:
            scene.silence(_port(peer))
        end.close()
        return Waiting(port, None)

    return make


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    make: Callable[[Scene], Waiting]
    settings: Mapping[str, int] = field(default_factory=dict)
    """``net.ipv4.tcp_*`` of the host."""


CASES = {
    case.name: case
    for case in (
        Case("retries2 3", _sends(), {"retries2": 3}),
        Case("retries2 4", _sends(), {"retries2": 4}),
        Case("retries2 5", _sends(), {"retries2": 5}),
        Case("retries2 6, time-outs up to 1 s", _sends(RTO_MAX_MS=1000), {"retries2": 6}),
        Case("retries2 3, thin stream", _sends(THIN_LINEAR_TIMEOUTS=1), {"retries2": 3}),
        Case("user timeout 1 s", _sends(USER_TIMEOUT=1000)),
        Case("user timeout 3 s", _sends(USER_TIMEOUT=3000)),
        Case("keepalive 1 s + 3 x 1 s", _idle(KEEPIDLE=1, KEEPINTVL=1, KEEPCNT=3)),
        Case("keepalive, user timeout 2.5 s", _idle(KEEPIDLE=1, KEEPINTVL=1, KEEPCNT=9, USER_TIMEOUT=2500)),
        Case("zero window answered, user timeout 3 s", _before_a_closed_window(answered=True, USER_TIMEOUT=3000)),
        Case("zero window, retries2 3", _before_a_closed_window(answered=False), {"retries2": 3}),
        Case("SYN, 2 retries", _connects(SYNCNT=2), {"syn_linear_timeouts": 1}),
        Case("SYN, user timeout 2 s", _connects(USER_TIMEOUT=2000)),
        Case("SYN and ACK, 1 retry", _is_called, {"synack_retries": 1}),
        Case("FIN of an orphan, 3 retries", _closed(silent=True), {"orphan_retries": 3}),
        Case("FIN_WAIT2 of an orphan, 3 s", _closed(silent=False), {"fin_timeout": 3}),
        Case("FIN_WAIT2 of an orphan, TCP_LINGER2 2 s", _closed(silent=False, LINGER2=2)),
    )
}
"""By name; each is over within 15 seconds."""
