"""Resets between two hosts by way of a third one, which routes, bridges, translates, rejects and forges."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from itertools import count

import pytest

from tests.e2e.events.conftest import DEADLINE_S, Scene
from tests.e2e.events.test_other_resets import expect_reset, resets_on
from tests.e2e.events.test_strangers import Between, due, raw_reset
from workbench.checking import Severity
from workbench.checking.check import Check
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.collect.capture import LiveCapture
from workbench.collect.events.reader import EventReader
from workbench.collect.namespaces import inside
from workbench.evidence import Capture, Connection, Endpoint, Evidence, Packet, TcpState
from workbench.evidence.attribution import Attribution, Cause, attribute
from workbench.evidence.event import Event, EventKind
from workbench.evidence.reset_trail import Effect
from workbench.evidence.reset_witness import captured_end, with_captures

pytestmark = pytest.mark.root

IPPROTO_MPTCP = 262
CHECKS = tuple(check for entry in entries() if entry.code == "PKT005" and isinstance(check := load(entry), Check))
_ports = count(7701)


class Middle(Scene):
    """The router's own address is 10.81.0.1 to the server, 10.81.1.1 to the client, 10.82.0.9 on its bridge."""

    def __init__(self, reader: EventReader) -> None:
        super().__init__(reader)
        self.router = Between(self).router
        self.router.run("ip", "link", "add", "br0", "type", "bridge")
        for number, host in enumerate((self.server, self.client)):
            self.router.run(
                "ip", "link", "add", f"leg{number}", "type", "veth", "peer", "name", "leg", "netns", host.name
            )
            self.router.run("ip", "link", "set", f"leg{number}", "master", "br0", "up")
            host.run("ip", "address", "add", f"10.82.0.{number + 1}/24", "dev", "leg")
            host.run("ip", "link", "set", "leg", "up")
        self.router.run("ip", "address", "add", "10.82.0.9/24", "dev", "br0")
        self.router.run("ip", "link", "set", "br0", "up")
        self.wait_for(lambda _: {host.inode for host in self.hosts} <= {one.inode for one in reader.namespaces})

    def over(self, address: str, port: int, to: tuple[str, int] | None = None) -> tuple[socket.socket, socket.socket]:
        """Accepted end and client; nobody listens any more."""
        with self.server.inside(lambda: socket.create_server((address, port))) as listener:
            client = self.client.inside(lambda: socket.create_connection(to or (address, port), DEADLINE_S))
            server, _ = listener.accept()
        server.settimeout(DEADLINE_S)
        self.open += [server, client]
        return server, client


@pytest.fixture(scope="module")
def shared() -> Iterator[Middle]:
    with EventReader() as reader:
        assert reader.gaps == ()
        made = Middle(reader)
        yield made
        made.close()


@pytest.fixture
def middle(shared: Middle) -> Iterator[Middle]:
    shared.recorded.clear()
    yield shared
    for each in shared.open:
        # Nothing may be left to say: its retransmissions would meet the rules of the next test.
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.close()
    shared.open.clear()
    for host in shared.hosts:
        host.run("nft", "flush ruleset")


@pytest.fixture
def port() -> int:
    return next(_ports)


def test_a_bridge_port_that_rejects(middle: Middle, port: int) -> None:
    _, client = middle.over("10.82.0.1", port)
    middle.router.run(
        "nft", "add table netdev f; add chain netdev f c { type filter hook ingress device leg1 priority 0; };"
        f" add rule netdev f c tcp dport {port} reject with tcp reset",
    )  # fmt: skip
    client.send(b"x")
    expect_reset(client)
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect, found.netns) == (Cause.REJECT_RULE, Effect.TAKEN, middle.router.inode)
    assert found.rule is not None
    assert found.rule.family == "netdev"


def test_a_bridge_that_asks_iptables(middle: Middle, port: int) -> None:
    _, client = middle.over("10.82.0.1", port)
    middle.router.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1")
    rule = ("-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset")
    middle.router.run("iptables-nft", "-A", "FORWARD", *rule)
    client.send(b"x")
    expect_reset(client)
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect, found.netns) == (Cause.REJECT_RULE, Effect.TAKEN, middle.router.inode)
    assert found.rule is not None
    assert str(port) in found.rule.text


def test_a_router_that_rejects_what_is_invalid(middle: Middle, port: int) -> None:
    middle.router.run("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0")
    _, client = middle.over("10.81.0.2", port)
    middle.router.rule("ct state invalid reject with tcp reset", "forward")
    client.send(b"x")
    expect_reset(client)
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect, found.netns) == (Cause.REJECT_RULE, Effect.TAKEN, middle.router.inode)
    assert found.rule is not None
    assert "ct state invalid" in found.rule.text


def test_a_router_whose_nat_has_forgotten(middle: Middle, port: int) -> None:
    middle.router.run(
        "nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; };"
        " add rule ip nat post oifname port0 masquerade",
    )  # fmt: skip
    server, _ = middle.over("10.81.0.2", port)
    middle.router.run("conntrack", "-D", "-p", "tcp", "--dport", str(port))
    server.send(b"x")
    expect_reset(server)
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect, found.netns) == (Cause.NO_SOCKET, Effect.TAKEN, middle.router.inode)
    assert "NAT" in found.sentence


def test_a_published_port_behind_which_the_program_vanished(middle: Middle, port: int) -> None:
    middle.router.run(
        "nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority -100; };"
        f" add rule ip nat pre tcp dport 8080 dnat to 10.81.0.2:{port}",
    )  # fmt: skip
    server, client = middle.over("10.81.0.2", port, ("10.81.1.1", 8080))
    server.setsockopt(socket.IPPROTO_TCP, 19, 1)
    server.close()
    middle.open.remove(server)
    client.send(b"x")
    expect_reset(client)
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect, found.netns) == (Cause.NO_SOCKET, Effect.TAKEN, middle.server.inode)
    assert f" {os.getpid()} had closed it" in found.sentence


def test_a_port_that_is_redirected_to_where_nobody_listens(middle: Middle, port: int) -> None:
    middle.server.run(
        "nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority -100; };"
        f" add rule ip nat pre tcp dport 8081 redirect to :{port}",
    )  # fmt: skip
    with pytest.raises(ConnectionRefusedError):
        middle.connect(8081)
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect, found.netns) == (Cause.REFUSED, Effect.TAKEN, middle.server.inode)


def test_a_closed_socket_that_gave_up_behind_a_rule(middle: Middle, port: int) -> None:
    middle.client.run("sysctl", "-qw", "net.ipv4.tcp_orphan_retries=1")
    server, client = middle.over(middle.server.address, port)
    middle.client.rule(f"tcp sport {port} drop")
    client.send(b"x")
    client.close()
    middle.open.remove(client)
    middle.wait_for(
        lambda found: any(one.before is TcpState.FIN_WAIT1 and one.state is TcpState.CLOSE for one in found)
    )
    middle.client.run("nft", "flush ruleset")
    assert server.recv(10) == b"x"
    server.send(b"y")
    expect_end(server)
    silence, found = resets_on(middle, port, 2)
    assert (silence.cause, found.cause, found.effect) == (Cause.DROP_RULE, Cause.TIMED_OUT, Effect.TAKEN)
    of_port = [one for one in middle.recorded if one.connection and port in
               {one.connection.local.port, one.connection.peer.port}]  # fmt: skip
    evidence = Evidence(time.time(), time.monotonic_ns(), (), events=tuple(of_port))
    (finding,) = judge(CHECKS, evidence).findings
    assert (finding.code, finding.severity) == ("PKT005", Severity.WARNING)
    assert "given up" in finding.problem.message


def expect_end(connection: socket.socket) -> None:
    """A FIN may have come before the reset."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return


def test_a_listening_socket_that_was_closed_within_the_handshake(middle: Middle, port: int) -> None:
    listener = middle.server.inside(lambda: socket.create_server((middle.server.address, port)))
    middle.server.rule(f"tcp dport {port} tcp flags & (syn | ack) == ack drop")
    client = middle.connect(port)
    listener.close()
    middle.server.run("nft", "flush ruleset")
    client.send(b"x")
    expect_reset(client)
    found = [one for one in resets_on(middle, port, 2) if one.cause is not Cause.DROP_RULE]
    assert [(one.cause, one.effect) for one in found] == [(Cause.NOT_ACCEPTED, Effect.TAKEN)]


def test_somebody_who_no_longer_wants_to_connect(middle: Middle, port: int) -> None:
    with middle.server.inside(lambda: socket.create_server((middle.server.address, port))):
        middle.server.rule(f"tcp sport {port} drop", "output")
        caller = middle.client.inside(socket.socket)
        caller.setblocking(False)
        caller.connect_ex((middle.server.address, port))
        middle.wait_for(lambda found: any(one.kind is EventKind.DROP for one in found))
        caller.close()
        middle.server.run("nft", "flush ruleset")
        found = resets_on(middle, port, 2)[-1]
    assert (found.cause, found.netns) == (Cause.NO_SOCKET, middle.client.inode)
    assert f" {os.getpid()} had closed it" in found.sentence


def test_the_fast_close_of_multipath_tcp(middle: Middle, port: int) -> None:
    def listen() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
        made.bind((middle.server.address, port))
        made.listen()
        return made

    with middle.server.inside(listen) as listener:
        client = middle.client.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP))
        client.connect((middle.server.address, port))
        server, _ = listener.accept()
    middle.open.append(client)
    for one, other in ((client, server), (server, client)):
        one.send(b"x")
        assert other.recv(1) == b"x"
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    (found,) = resets_on(middle, port)
    assert (found.cause, found.effect) == (Cause.ABORTED, Effect.TAKEN)


class Captured:
    """A capture at some of the hosts, as events of one of them alone are known: the others are elsewhere."""

    def __init__(self, middle: Middle, *names: str) -> None:
        hosts = [getattr(middle, name) for name in names]
        self._live = LiveCapture({host.inode: (host.namespace, host.name) for host in hosts}, None)
        self._packets: list[Packet] = []

    def until_reset(self, port: int) -> Capture:
        deadline = time.monotonic() + DEADLINE_S
        while not any(one.is_reset and port in {one.way.local.port, one.way.peer.port} for one in self._packets):
            assert time.monotonic() < deadline
            self._packets += [packet for _, packet in self._live.take(0.1) if packet]
        self._packets += [packet for _, packet in self._live.rest() if packet]
        capture = self._live.capture(self._packets)
        self._live.close()
        return capture


WALL_NS = time.time_ns() - time.monotonic_ns()


def at_the_server(middle: Middle, port: int) -> Attribution:
    """What the server's host alone can say of the reset, none of its other segments having been seen."""

    def own(events: list[Event]) -> list[Event]:
        return [
            one for one in middle.mine(events)
            if one.netns == middle.server.inode and one.connection and one.connection.local.port == port
        ]  # fmt: skip

    ends = {EventKind.RESET_RECEIVED, EventKind.DROP}
    middle.wait_for(lambda found: any(one.kind in ends for one in own(found)))
    (found,) = attribute([one for one in own(middle.recorded) if one.kind in ends])
    return found


@pytest.mark.parametrize("off", [0, 1 << 30])
@pytest.mark.parametrize(
    ("captured", "words"),
    [(("server", "client"), "did not leave there"), (("server",), "TTL 64, while other segments of 10.81.1.2 have 63")],
)
def test_a_capture_tells_that_a_router_forged_it(
    middle: Middle, port: int, off: int, captured: tuple[str, ...], words: str
) -> None:
    capture = Captured(middle, *captured)
    server, client = middle.over("10.81.0.2", port)
    client.send(b"x")
    assert server.recv(1) == b"x"
    inside(middle.router.path, raw_reset(server, (due(server) + off) & 0xFFFFFFFF))
    packets = capture.until_reset(port)
    found = at_the_server(middle, port)
    assert found.cause is (Cause.NOT_REAL if off else Cause.UNKNOWN), "events alone do not tell"
    told = with_captures(found, [packets], WALL_NS)
    assert told.cause is (Cause.NOT_REAL if off else Cause.MIDDLEBOX)
    assert words in told.sentence
    assert ("did not believe it" in told.sentence) is bool(off)
    assert found.connection
    assert bool(captured_end([packets], found.connection)) is not bool(off)


@pytest.mark.parametrize(
    ("captured", "words"), [(("server", "client"), "as it left"), (("server",), "with TTL 63, as")]
)
def test_a_capture_tells_that_the_peer_sent_it(
    middle: Middle, port: int, captured: tuple[str, ...], words: str
) -> None:
    capture = Captured(middle, *captured)
    server, client = middle.over("10.81.0.2", port)
    way = Connection(Endpoint(*client.getsockname()), Endpoint(*client.getpeername()))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    middle.open.remove(client)
    expect_reset(server)
    packets = capture.until_reset(port)
    told = with_captures(at_the_server(middle, port), [packets], WALL_NS)
    assert (told.cause, told.connection) == (Cause.PEER, way)
    assert words in told.sentence
