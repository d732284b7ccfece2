"""Resets that no scenario of the lab has: each by who it was, on two hosts that all of them share."""

import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.e2e.events.conftest import DEADLINE_S, Host, Scene, run
from tests.e2e.events.remote import ACK, RST, SYN, Remote, checksum
from tests.e2e.events.test_strangers import due, raw_reset
from workbench.collect.events.reader import EventReader
from workbench.collect.namespaces import inside
from workbench.evidence import TcpState
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import EventKind
from workbench.evidence.reset_trail import Effect

pytestmark = pytest.mark.root

_ports = count(7501)


@pytest.fixture(scope="module")
def shared() -> Iterator[Scene]:
    with EventReader() as reader:
        assert reader.gaps == ()
        made = Scene(reader)
        for number, host in enumerate(made.hosts, 1):
            host.run("ip", "address", "add", f"fd79::{number}/64", "dev", "eth0", "nodad")
        yield made
        made.close()


@pytest.fixture
def scene(shared: Scene) -> Iterator[Scene]:
    shared.recorded.clear()
    yield shared
    for each in shared.open:
        each.close()
    shared.open.clear()
    for host in shared.hosts:
        host.run("nft", "flush", "ruleset")
        for tool in ("iptables-legacy", "ip6tables-legacy"):
            host.run(tool, "-F")


@pytest.fixture
def port() -> int:
    return next(_ports)


def resets_on(scene: Scene, port: int, many: int = 1) -> list[Attribution]:
    """What was found out about the connections of this port, as soon as there is so much of it, and nothing more."""

    def own() -> list[Attribution]:
        found = scene.attributions()
        return [
            one for one in found if one.connection and port in {one.connection.local.port, one.connection.peer.port}
        ]

    found = own()
    deadline = time.monotonic() + DEADLINE_S
    while len(found) < many and time.monotonic() < deadline:
        found = own()
    assert len(found) == many, found
    return found


def six(scene: Scene, port: int) -> tuple[socket.socket, socket.socket]:
    """Accepted end and client, over IPv6; nobody listens any more."""
    with scene.server.inside(lambda: socket.create_server(("fd79::1", port), family=socket.AF_INET6)) as listener:
        client = scene.client.inside(lambda: socket.create_connection(("fd79::1", port), DEADLINE_S))
        server, _ = listener.accept()
    scene.open += [server, client]
    return server, client


def expect_reset(connection: socket.socket) -> None:
    connection.settimeout(DEADLINE_S)
    with pytest.raises(ConnectionResetError):
        connection.recv(4096)


@pytest.mark.parametrize(
    ("tool", "hook"),
    [("nft", "output"), ("nft", "prerouting"), ("iptables-nft", "OUTPUT"), ("iptables-legacy", "OUTPUT")],
)
def test_a_reject_rule_elsewhere_than_at_the_receiver(scene: Scene, port: int, tool: str, hook: str) -> None:
    _, client = scene.pair(scene.listener(port))
    host = scene.server if hook == "prerouting" else scene.client
    if tool == "nft":
        host.rule(f"tcp dport {port} reject with tcp reset", hook)
    else:
        host.run(tool, "-A", hook, "-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset")
    client.send(b"hello")
    expect_reset(client)
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect, found.netns) == (Cause.REJECT_RULE, Effect.TAKEN, host.inode)
    assert found.rule is not None
    assert str(port) in found.rule.text


@pytest.mark.parametrize("tool", ["nft", "ip6tables-nft", "ip6tables-legacy"])
def test_a_reject_rule_over_ipv6(scene: Scene, port: int, tool: str) -> None:
    _, client = six(scene, port)
    if tool == "nft":
        scene.server.rule(f"tcp dport {port} reject with tcp reset")
    else:
        rule = ("-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset")
        scene.server.run(tool, "-A", "INPUT", *rule)
    client.send(b"hello")
    expect_reset(client)
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect) == (Cause.REJECT_RULE, Effect.TAKEN)
    assert found.rule is not None


def linger(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def leave_unread(connection: socket.socket) -> None:
    connection.recv(1, socket.MSG_PEEK)
    connection.close()


@pytest.mark.parametrize(("end", "cause"), [(linger, Cause.ABORTED), (leave_unread, Cause.UNREAD_DATA)])
def test_a_program_over_ipv6(scene: Scene, port: int, end: Callable[[socket.socket], None], cause: Cause) -> None:
    server, client = six(scene, port)
    client.send(b"never read")
    end(server)
    expect_reset(client)
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect) == (cause, Effect.TAKEN)
    assert f" {os.getpid()} " in found.sentence


def serve_until_killed(scene: Scene, port: int) -> tuple[int, socket.socket]:
    """A program that accepts one connection and reads nothing; its pid, and the other end."""
    with scene.listener(port) as listener:
        pid = os.fork()
        if pid == 0:
            held = listener.accept()
            listener.close()
            signal.pause()
            del held
            os._exit(0)
    return pid, scene.connect(port)


def test_a_program_killed_with_unread_bytes(scene: Scene, port: int) -> None:
    pid, client = serve_until_killed(scene, port)
    client.send(b"never read")
    scene.wait_for(lambda found: any(one.state is TcpState.ESTABLISHED for one in found))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    expect_reset(client)
    (found,) = resets_on(scene, port)
    assert found.cause in {Cause.UNREAD_DATA, Cause.NOT_ACCEPTED}, "it may not have come to accept"


def test_data_after_the_other_end_was_closed(scene: Scene, port: int) -> None:
    server, client = scene.pair(scene.listener(port))
    server.close()
    assert client.recv(1) == b""
    client.send(b"too late")
    scene.wait_for(lambda found: any(one.kind is EventKind.RESET_RECEIVED for one in found))
    (found,) = resets_on(scene, port)
    assert found.cause in {Cause.AFTER_CLOSE, Cause.TIME_WAIT}, "the socket, or what is left of it, answered"
    assert f" {os.getpid()} " in found.sentence


def test_data_for_a_socket_that_is_shut_down_is_one_reset(scene: Scene, port: int) -> None:
    server, client = scene.pair(scene.listener(port))
    server.shutdown(socket.SHUT_RDWR)
    assert client.recv(1) == b""
    client.send(b"too late")
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect) == (Cause.AFTER_CLOSE, Effect.TAKEN)


def test_connections_that_nobody_accepted(scene: Scene, port: int) -> None:
    listener = scene.listener(port)
    waiting = [scene.connect(port), scene.connect(port)]
    scene.wait_for(lambda found: sum(one.state is TcpState.ESTABLISHED for one in found) >= 4)
    listener.close()
    for each in waiting:
        expect_reset(each)
    assert [one.cause for one in resets_on(scene, port, 2)] == [Cause.NOT_ACCEPTED] * 2


def test_a_connection_that_was_accepted_and_aborted_beside_its_listener(scene: Scene, port: int) -> None:
    listener = scene.listener(port)
    server, client = scene.pair(listener)
    server.send(b"x")
    assert client.recv(1) == b"x"
    client.send(b"y")
    listener.close()
    linger(server)
    expect_reset(client)
    (found,) = resets_on(scene, port)
    assert found.cause is Cause.ABORTED


def test_too_many_wait_to_be_accepted(scene: Scene, port: int) -> None:
    scene.server.run("sysctl", "-qw", "net.ipv4.tcp_abort_on_overflow=1")
    scene.open.append(scene.server.inside(lambda: socket.create_server((scene.server.address, port), backlog=2)))
    for _ in range(2):
        scene.connect(port)
    scene.server.rule(f"tcp dport {port} tcp flags & (syn | ack) == ack drop")
    late = scene.connect(port)
    scene.server.run("nft", "flush", "ruleset")
    scene.connect(port)
    late.send(b"hello")
    expect_reset(late)
    found = [one for one in resets_on(scene, port, 2) if one.cause is not Cause.DROP_RULE]
    assert [(one.cause, one.effect) for one in found] == [(Cause.OVERFLOW, Effect.TAKEN)]


def test_a_port_that_is_bound_and_not_listened_on(scene: Scene, port: int) -> None:
    bound = scene.server.inside(socket.socket)
    scene.open.append(bound)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((scene.server.address, port))
    with pytest.raises(ConnectionRefusedError):
        scene.connect(port)
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect) == (Cause.REFUSED, Effect.TAKEN)


def test_keepalive_that_nobody_answers(scene: Scene, port: int) -> None:
    server, client = scene.pair(scene.listener(port))
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
        server.setsockopt(socket.IPPROTO_TCP, option, 1)
    scene.client.rule(f"tcp sport {port} drop")
    server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert client.fileno() >= 0
    silence, reset = resets_on(scene, port, 2)
    assert (silence.cause, reset.cause, reset.effect) == (Cause.DROP_RULE, Cause.TIMED_OUT, Effect.BLOCKED)


def card(host: Host) -> bytes:
    """The hardware address of its device."""
    words = host.run("ip", "-o", "link", "show", "eth0").split()
    return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))


def forged(scene: Scene, connection: socket.socket, sequence: int) -> Callable[[], None]:
    """A program that sends a reset past the protocol stack of the client's host."""
    (address, port), (peer, peer_port) = connection.getsockname(), connection.getpeername()
    tcp = struct.pack("!HHIIBBHHH", peer_port, port, sequence & 0xFFFFFFFF, 0, 5 << 4, RST, 0, 0, 0)
    source, destination = socket.inet_aton(peer), socket.inet_aton(address)
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, destination)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    frame = card(scene.server) + card(scene.client) + b"\x08\x00" + ip + tcp

    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("eth0", 0))
            raw.send(frame)

    return send


@pytest.mark.parametrize(
    ("off", "cause", "effect"),
    [
        (0, Cause.MIDDLEBOX, Effect.TAKEN),
        (10, Cause.NOT_REAL, Effect.CHALLENGED),
        (1 << 30, Cause.NOT_REAL, Effect.IGNORED),
    ],
)
def test_a_program_past_the_protocol_stack(scene: Scene, port: int, off: int, cause: Cause, effect: Effect) -> None:
    server, _ = scene.pair(scene.listener(port))
    inside(scene.client.path, forged(scene, server, due(server) + off))
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect) == (cause, effect)
    assert f" {os.getpid()} made it, past the protocol stack" in found.sentence


def test_a_program_on_the_receivers_own_host(scene: Scene, port: int) -> None:
    server, _ = scene.pair(scene.listener(port))
    inside(scene.server.path, raw_reset(server, due(server)))
    (found,) = resets_on(scene, port)
    assert (found.cause, found.effect, found.netns) == (Cause.MIDDLEBOX, Effect.TAKEN, scene.server.inode)


@pytest.fixture(scope="module")
def remote(shared: Scene) -> Iterator[Remote]:
    made = Remote(shared.server)
    yield made
    made.close()


def calling(scene: Scene, remote: Remote) -> int:
    """The server's host calls the remote one, which has the SYN; the sequence number that it begins with."""
    caller = scene.server.inside(socket.socket)
    scene.open.append(caller)
    caller.setblocking(False)
    caller.connect_ex((remote.address, remote.port))
    syn = remote.next_segment_from(caller.getsockname()[1])
    remote.to = (remote.to[0], caller.getsockname()[1])
    return int(struct.unpack_from("!I", syn, 4)[0])


def test_an_answer_that_acknowledges_what_was_never_sent(scene: Scene, remote: Remote) -> None:
    remote.ack = calling(scene, remote) + 500
    remote.send(SYN | ACK)
    (found,) = resets_on(scene, remote.port)
    assert (found.cause, found.reason) == (Cause.KERNEL, "TCP_INVALID_ACK_SEQUENCE")
    assert "acknowledges what was never sent" in found.sentence


def test_another_host_refuses(scene: Scene, remote: Remote) -> None:
    remote.ack = calling(scene, remote) + 1
    remote.send(RST | ACK)
    (found,) = resets_on(scene, remote.port)
    assert (found.cause, found.effect) == (Cause.REFUSED, Effect.TAKEN)
    assert "another host answered, with TTL 57" in found.sentence


def test_nothing_is_left(scene: Scene) -> None:
    assert {host.name for host in scene.hosts} <= {line.split()[0] for line in run("ip", "netns", "list").splitlines()}
