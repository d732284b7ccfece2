"""Network namespaces with sockets in every state, made for one test and gone after it."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.collect.namespaces import inside
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.evidence import Gap, NetworkNamespace, Socket, TcpState

DEADLINE_S = 20


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE_S).stdout


class Scene:
    """One namespace with its loopback up; sockets that are made in it belong to the test's process."""

    def __init__(self, name: str) -> None:
        run("ip", "netns", "add", name)
        self.name = name
        self.path = f"/run/netns/{name}"
        self.inode = Path(self.path).stat().st_ino
        self.namespace = NetworkNamespace(self.inode, self.path, (name,))
        self.open: list[socket.socket] = []
        self._diags = SockDiags()
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        return run("nsenter", f"--net={self.path}", *command)

    def drop(self, *match: str) -> None:
        """Drop packets that match from now on."""
        self.run("nft", "add table inet test")
        self.run("nft", "add chain inet test input { type filter hook input priority 0; }")
        self.run("nft", f"add rule inet test input {' '.join(match)} drop")

    def tcp_socket(self, family: socket.AddressFamily = socket.AF_INET, protocol: int = 0) -> socket.socket:
        made = inside(self.path, lambda: socket.socket(family, socket.SOCK_STREAM, protocol))
        self.open.append(made)
        return made

    def listener(self, address: str = "127.0.0.1", port: int = 0, protocol: int = 0) -> socket.socket:
        made = self.tcp_socket(socket.AF_INET6 if ":" in address else socket.AF_INET, protocol)
        made.bind((address, port))
        made.listen(16)
        return made

    def pair(self, listener: socket.socket, to: str = "127.0.0.1") -> tuple[socket.socket, socket.socket]:
        """Client and accepted end of a new connection."""
        client = self.tcp_socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
        client.connect((to, listener.getsockname()[1]))
        accepted, _ = listener.accept()
        self.open.append(accepted)
        return client, accepted

    def sockets(self) -> list[Socket]:
        found, gaps = SocketReader(self._diags).read((self.namespace,))
        assert not isinstance(found, Gap), found
        assert gaps == ()
        return list(found)

    def wait_for(self, condition: Callable[[list[Socket]], bool]) -> list[Socket]:
        """Sockets, as soon as they are as the test needs them: the kernel tells nobody of a state's beginning."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition(found := self.sockets()):
            assert time.monotonic() < deadline, found
        return found

    def wait_for_states(self, *states: TcpState) -> list[Socket]:
        return self.wait_for(lambda found: set(states) <= {each.state for each in found})

    def close(self) -> None:
        for each in self.open:
            each.close()
        self._diags.close()
        run("ip", "netns", "delete", self.name)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(f"wb-collect-{os.getpid()}")
    yield made
    made.close()


@pytest.fixture
def every_state(scene: Scene) -> Scene:
    """IPv4, IPv6 and mapped sockets in each state that TCP knows."""
    listener = scene.listener()
    scene.pair(listener)  # ESTABLISHED
    scene.pair(scene.listener("::1"), "::1")
    scene.pair(scene.listener("::"), "127.0.0.1")  # mapped on the listening side
    scene.tcp_socket().bind(("127.0.0.1", 0))  # bound only
    _, sender = scene.pair(listener)
    sender.sendall(b"x" * 1000)  # unread
    client, _ = scene.pair(listener)
    client.shutdown(socket.SHUT_WR)  # FIN_WAIT2 here, CLOSE_WAIT there
    client, server = scene.pair(listener)
    client.close()
    server.close()  # TIME_WAIT
    client, _ = scene.pair(listener)
    client.close()  # an orphan in FIN_WAIT2
    last_ack, last_ack_server = scene.pair(listener)
    last_ack.shutdown(socket.SHUT_WR)
    scene.wait_for(
        lambda found: (
            any(each.state is TcpState.TIME_WAIT for each in found)
            and sum(each.state is TcpState.CLOSE_WAIT for each in found) == 3
        )
    )

    fin_wait1, _ = scene.pair(listener)
    unacknowledged, _ = scene.pair(listener)
    closing, closing_server = scene.pair(listener)
    silent = scene.listener()
    cut = ", ".join(str(each.getsockname()[1]) for each in (last_ack, fin_wait1, unacknowledged))
    scene.drop("tcp", "dport", "{", cut, "}")
    scene.drop("tcp", "sport", "{", cut, ",", str(closing.getsockname()[1]), ",", str(silent.getsockname()[1]), "}")
    last_ack_server.shutdown(socket.SHUT_WR)
    fin_wait1.shutdown(socket.SHUT_WR)
    unacknowledged.sendall(b"y" * 500)
    closing.shutdown(socket.SHUT_WR)  # its FIN is lost, the other one arrives
    closing_server.shutdown(socket.SHUT_WR)
    half_open = scene.tcp_socket()
    half_open.setblocking(False)
    half_open.connect_ex(silent.getsockname())  # SYN_SENT here, SYN_RECV there
    scene.wait_for_states(*(state for state in TcpState if state < TcpState.NEW_SYN_RECV))
    return scene
