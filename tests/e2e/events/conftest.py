"""Two hosts with a cable between them, a connection, and a reader that records; all gone after the test."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.collect.events.reader import EventReader
from workbench.collect.namespaces import inside
from workbench.collect.netfilter import RuleReader
from workbench.evidence import Connection, Endpoint, Gap, NetworkNamespace, Rule
from workbench.evidence.attribution import Attribution, attribute
from workbench.evidence.event import Event

DEADLINE_S = 20
PORT = 7400


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE_S).stdout


class Host:
    """A network namespace with a name; sockets made in it belong to the test's process."""

    def __init__(self, name: str, address: str) -> None:
        run("ip", "netns", "add", name)
        self.name = name
        self.address = address
        self.path = f"/run/netns/{name}"
        self.inode = Path(self.path).stat().st_ino
        self.namespace = NetworkNamespace(self.inode, self.path, (name,))
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        return run("nsenter", f"--net={self.path}", *command)

    def rule(self, text: str, hook: str = "input") -> None:
        """An nftables rule in a table of its own."""
        self.run(
            "nft", f"add table inet wb; add chain inet wb c {{ type filter hook {hook} priority 0; }};"
            f" add rule inet wb c {text}"
        )  # fmt: skip

    def rules(self) -> tuple[Rule, ...]:
        found, _, gaps = RuleReader().read((self.namespace,))
        assert not isinstance(found, Gap), found
        assert gaps == ()
        return found

    def inside(self, function: Callable[[], socket.socket]) -> socket.socket:
        return inside(self.path, function)


class Scene:
    """A server and a client host, and what the reader has recorded of them."""

    def __init__(self, reader: EventReader) -> None:
        self.reader = reader
        mine = os.getpid()
        self.server = Host(f"wb-ev-{mine}-s", "10.79.0.2")
        self.client = Host(f"wb-ev-{mine}-c", "10.79.0.1")
        self.hosts: tuple[Host, ...] = (self.server, self.client)
        self.open: list[socket.socket] = []
        self.recorded: list[Event] = []
        self.complete_ns = 0
        """All that happened until then is recorded."""
        self.server.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.client.name)
        for host in self.hosts:
            host.run("ip", "address", "add", f"{host.address}/24", "dev", "eth0")
            host.run("ip", "link", "set", "eth0", "up")
        # Without this the first second of a namespace's life is not watched for rules.
        self.wait_for(lambda _: {host.inode for host in self.hosts} <= {one.inode for one in reader.namespaces})

    def listener(self, port: int = PORT) -> socket.socket:
        made = self.server.inside(lambda: socket.create_server((self.server.address, port)))
        self.open.append(made)
        return made

    def connect(self, port: int = PORT) -> socket.socket:
        made = self.client.inside(lambda: socket.create_connection((self.server.address, port), DEADLINE_S))
        self.open.append(made)
        return made

    def pair(self, listener: socket.socket) -> tuple[socket.socket, socket.socket]:
        """Accepted end and client."""
        client = self.connect(listener.getsockname()[1])
        accepted, _ = listener.accept()
        accepted.settimeout(DEADLINE_S)
        self.open.append(accepted)
        return accepted, client

    def wait_for(self, condition: Callable[[list[Event]], bool]) -> list[Event]:
        """What was recorded of both hosts, as soon as it is as the test needs it."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            inodes = {host.inode for host in self.hosts}
            complete_ns = self.reader.complete_ns
            self.recorded += [one for one in self.reader.take(0.1) if one.netns in inodes or one.netns is None]
            self.complete_ns = complete_ns
            if condition(self.recorded):
                return self.recorded
            assert time.monotonic() < deadline, self.recorded

    def attributions(self, count: int = 1) -> list[Attribution]:
        """As soon as that many resets were recorded, and whatever else happens within the time they need to settle."""
        rules = tuple(rule for host in self.hosts for rule in host.rules())
        found: list[Attribution] = []

        def enough(events: list[Event]) -> bool:
            nonlocal found
            found = attribute(self.mine(events), rules)
            return len(found) >= count and self.complete_ns - found[-1].at_ns > 300_000_000

        self.wait_for(enough)
        return found

    def mine(self, events: list[Event]) -> list[Event]:
        inodes = {host.inode for host in self.hosts}
        return [event for event in events if event.netns in inodes]

    def close(self) -> None:
        for each in self.open:
            each.close()
        for host in self.hosts:
            run("ip", "netns", "delete", host.name)


def ends(local: socket.socket) -> Connection:
    """The connection as this socket sees it."""
    return Connection(Endpoint(*local.getsockname()[:2]), Endpoint(*local.getpeername()[:2]))


@pytest.fixture
def reader() -> Iterator[EventReader]:
    with EventReader() as made:
        assert made.gaps == ()
        yield made


@pytest.fixture
def scene(reader: EventReader) -> Iterator[Scene]:
    made = Scene(reader)
    yield made
    made.close()
