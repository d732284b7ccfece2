"""Resets that no TCP of this kernel sent: by a remote peer, by something between, by a program; believed or not."""

import os
import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.events.conftest import DEADLINE_S, PORT, Host, Scene, ends, run
from tests.e2e.events.remote import ACK, RST, Remote, checksum
from workbench.collect.namespaces import inside
from workbench.evidence import Connection, Endpoint
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.reset_trail import Effect

pytestmark = pytest.mark.root


@pytest.fixture
def remote(scene: Scene) -> Iterator[Remote]:
    made = Remote(scene.server)
    yield made
    made.close()


def accepted(scene: Scene, remote: Remote) -> socket.socket:
    listener = scene.server.inside(lambda: socket.create_server((remote.to[0], PORT)))
    scene.open.append(listener)
    listener.settimeout(DEADLINE_S)
    remote.connect(PORT)
    connection, _ = listener.accept()
    scene.open.append(connection)
    connection.settimeout(DEADLINE_S)
    return connection


def lives(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"


def test_the_peer_on_another_host(scene: Scene, remote: Remote) -> None:
    connection = accepted(scene, remote)
    remote.send(RST | ACK)
    with pytest.raises(ConnectionResetError):
        connection.recv(1)
    (found,) = scene.attributions()
    assert (found.cause, found.effect, found.netns) == (Cause.PEER, Effect.TAKEN, scene.server.inode)
    assert found.connection == ends_of(remote)
    assert "TTL 57, as other segments of 10.80.0.9" in found.sentence


def ends_of(remote: Remote) -> Connection:
    return Connection(Endpoint(remote.address, remote.port), Endpoint(*remote.to))


def test_something_between_has_another_ttl(scene: Scene, remote: Remote) -> None:
    connection = accepted(scene, remote)
    remote.send(RST, ttl=250)
    with pytest.raises(ConnectionResetError):
        connection.recv(1)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.MIDDLEBOX, Effect.TAKEN)
    assert "TTL 250" in found.sentence
    assert "57" in found.sentence


@pytest.mark.parametrize(
    ("off", "effect"), [(100, Effect.CHALLENGED), (1 << 30, Effect.IGNORED), (-5000, Effect.IGNORED)]
)
def test_one_that_is_not_real(scene: Scene, remote: Remote, off: int, effect: Effect) -> None:
    connection = accepted(scene, remote)
    remote.send(RST, off=off)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.NOT_REAL, effect)
    assert lives(connection)


@pytest.mark.parametrize("listens", [True, False])
def test_the_peer_has_nobody_to_reset_any_more(scene: Scene, remote: Remote, listens: bool) -> None:
    connection = accepted(scene, remote)
    if not listens:
        scene.open[0].close()
    connection.setsockopt(socket.IPPROTO_TCP, 19, 1)
    connection.close()
    remote.send(RST)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.PEER, Effect.NOBODY)


def raw_reset(connection: socket.socket, sequence: int) -> Callable[[], None]:
    """A program with a raw socket that pretends to be the peer of the connection."""
    (address, port), (peer, peer_port) = connection.getsockname()[:2], connection.getpeername()[:2]
    tcp = struct.pack("!HHIIBBHHH", peer_port, port, sequence, 0, 5 << 4, RST, 0, 0, 0)
    source, destination = socket.inet_aton(peer), socket.inet_aton(address)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 6, 0, source, destination)
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(ip + tcp, (address, 0))

    return send


def due(connection: socket.socket) -> int:
    """The sequence number that its peer must use next, asked by TCP_REPAIR of a socket of our own."""
    connection.setsockopt(socket.IPPROTO_TCP, 19, 1)
    connection.setsockopt(socket.IPPROTO_TCP, 20, 1)  # TCP_REPAIR_QUEUE: receive
    number = connection.getsockopt(socket.IPPROTO_TCP, 21)
    connection.setsockopt(socket.IPPROTO_TCP, 20, 0)
    connection.setsockopt(socket.IPPROTO_TCP, 19, 0)
    return number & 0xFFFFFFFF


@pytest.mark.parametrize(("off", "cause"), [(0, Cause.MIDDLEBOX), (1 << 30, Cause.NOT_REAL)])
def test_a_program_that_pretends_to_be_the_peer(scene: Scene, off: int, cause: Cause) -> None:
    server, _ = scene.pair(scene.listener())
    number, way = due(server), ends(server).reversed
    inside(scene.client.path, raw_reset(server, (number + off) & 0xFFFFFFFF))
    (found,) = scene.attributions()
    assert found.cause is cause
    assert found.effect is (Effect.TAKEN if not off else Effect.IGNORED)
    assert f" {os.getpid()} made it, through a raw socket" in found.sentence
    assert found.connection == way


class Between:
    """A router between two more hosts, which also hangs on a bridge."""

    def __init__(self, scene: Scene) -> None:
        self.router = Host(f"wb-ev-{os.getpid()}-r", "10.81.0.1")
        scene.hosts += (self.router,)
        for number, host in enumerate((scene.server, scene.client)):
            self.router.run(
                "ip", "link", "add", f"port{number}", "type", "veth", "peer", "name", "far", "netns", host.name
            )
            self.router.run("ip", "address", "add", f"10.81.{number}.1/24", "dev", f"port{number}")
            self.router.run("ip", "link", "set", f"port{number}", "up")
            host.run("ip", "address", "add", f"10.81.{number}.2/24", "dev", "far")
            host.run("ip", "link", "set", "far", "up")
            host.run("ip", "route", "add", "10.81.0.0/16", "via", f"10.81.{number}.1")
        self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")


@pytest.fixture
def between(scene: Scene) -> Between:
    return Between(scene)


def routed(scene: Scene) -> tuple[socket.socket, socket.socket]:
    listener = scene.server.inside(lambda: socket.create_server(("10.81.0.2", PORT)))
    scene.open.append(listener)
    client = scene.client.inside(lambda: socket.create_connection(("10.81.0.2", PORT), DEADLINE_S))
    server, _ = listener.accept()
    scene.open += [client, server]
    return server, client


def only(found: list[Attribution]) -> Attribution:
    (one,) = found
    return one


def test_through_a_router_it_is_one_reset(scene: Scene, between: Between) -> None:
    server, client = routed(scene)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    found = only(scene.attributions())
    assert (found.cause, found.effect, found.netns) == (Cause.ABORTED, Effect.TAKEN, scene.server.inode)


def test_a_router_that_rejects(scene: Scene, between: Between) -> None:
    _, client = routed(scene)
    between.router.rule(f"tcp dport {PORT} reject with tcp reset", "forward")
    client.send(b"hello")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    found = only(scene.attributions())
    assert (found.cause, found.effect, found.netns) == (Cause.REJECT_RULE, Effect.TAKEN, between.router.inode)
    assert found.rule is not None


def test_a_router_that_forges(scene: Scene, between: Between) -> None:
    server, _ = routed(scene)
    inside(between.router.path, raw_reset(server, due(server)))
    found = only(scene.attributions())
    assert (found.cause, found.effect, found.netns) == (Cause.MIDDLEBOX, Effect.TAKEN, between.router.inode)


def test_through_nat_it_is_one_reset(scene: Scene, between: Between) -> None:
    between.router.run(
        "nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; };"
        " add rule ip nat post oifname port0 masquerade",
    )  # fmt: skip
    server, client = routed(scene)
    assert server.getpeername()[0] == "10.81.0.1"
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    found = only(scene.attributions())
    assert (found.cause, found.effect) == (Cause.ABORTED, Effect.TAKEN)


def test_over_a_bridge_it_is_one_reset(scene: Scene, between: Between) -> None:
    """As containers are connected: the bridge passes it on at its ports, and takes up what is for itself."""
    router = between.router
    router.run("ip", "link", "add", "br0", "type", "bridge")
    for number, host in enumerate((scene.server, scene.client)):
        router.run("ip", "link", "add", f"leg{number}", "type", "veth", "peer", "name", "leg", "netns", host.name)
        router.run("ip", "link", "set", f"leg{number}", "master", "br0", "up")
        host.run("ip", "address", "add", f"10.82.0.{number + 1}/24", "dev", "leg")
        host.run("ip", "link", "set", "leg", "up")
    router.run("ip", "address", "add", "10.82.0.9/24", "dev", "br0")
    router.run("ip", "link", "set", "br0", "up")
    for where, host in (("10.82.0.1", scene.client), ("10.82.0.1", router)):
        listener = scene.server.inside(lambda where=where: socket.create_server((where, PORT)))  # type: ignore[misc]
        client = host.inside(lambda where=where: socket.create_connection((where, PORT), DEADLINE_S))  # type: ignore[misc]
        server, _ = listener.accept()
        scene.open += [listener, client, server]
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        listener.close()
        assert select.select([client], [], [], DEADLINE_S)[0]
    found = scene.attributions(2)
    assert [(one.cause, one.effect) for one in found] == [(Cause.ABORTED, Effect.TAKEN)] * 2


@pytest.mark.parametrize("family", ["v6", "mapped"])
def test_ipv6(scene: Scene, family: str) -> None:
    for number, host in enumerate(scene.hosts, 1):
        host.run("ip", "address", "add", f"fd79::{number}/64", "dev", "eth0", "nodad")
    to = "fd79::1" if family == "v6" else f"::ffff:{scene.server.address}"
    listener = scene.server.inside(
        lambda: socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    )
    client = scene.client.inside(lambda: socket.socket(socket.AF_INET6))
    client.connect((to, PORT))
    server, _ = listener.accept()
    scene.open += [listener, client, server]
    listener.close()
    server.setsockopt(socket.IPPROTO_TCP, 19, 1)
    server.close()
    client.send(b"hello")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.NO_SOCKET, Effect.TAKEN)
    assert found.connection is not None
    assert found.connection.local.address == ("fd79::1" if family == "v6" else scene.server.address)


def test_nothing_is_left(scene: Scene) -> None:
    names = [host.name for host in scene.hosts]
    assert set(names) <= {line.split()[0] for line in run("ip", "netns", "list").splitlines()}
