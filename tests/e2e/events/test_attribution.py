"""Who reset a real connection: the seven ways of docs/timeline.md, and others."""

import os
import socket
import struct

import pytest

from tests.e2e.events.conftest import PORT, Scene, ends
from workbench.evidence import TcpState
from workbench.evidence.attribution import Cause
from workbench.evidence.event import EventKind
from workbench.evidence.reset_trail import Effect

pytestmark = pytest.mark.root

TCP_REPAIR = 19


def vanish(connection: socket.socket) -> None:
    """Close without a word, as the death of a dumped process does."""
    connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    connection.close()


def expect_reset(connection: socket.socket) -> None:
    with pytest.raises(ConnectionResetError):
        connection.recv(4096)


def test_a_socket_that_vanished(scene: Scene) -> None:
    listener = scene.listener()
    server, client = scene.pair(listener)
    way = ends(server)
    listener.close()
    vanish(server)
    client.send(b"hello")
    expect_reset(client)
    (found,) = scene.attributions()
    assert (found.cause, found.effect, found.reason) == (Cause.NO_SOCKET, Effect.TAKEN, "NO_SOCKET")
    assert (found.connection, found.netns) == (way, scene.server.inode)
    assert f" {os.getpid()} had closed it" in found.sentence


def test_a_socket_that_vanished_under_a_listener(scene: Scene) -> None:
    server, client = scene.pair(scene.listener())
    vanish(server)
    client.send(b"hello")
    expect_reset(client)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.LISTENER, Effect.TAKEN)


def test_unread_bytes_at_close(scene: Scene) -> None:
    server, client = scene.pair(scene.listener())
    client.send(b"never read")
    server.recv(1, socket.MSG_PEEK)
    server.close()
    expect_reset(client)
    (found,) = scene.attributions()
    assert (found.cause, found.reason) == (Cause.UNREAD_DATA, "TCP_ABORT_ON_CLOSE")
    assert f" {os.getpid()} closed the socket while 10 unread bytes were" in found.sentence
    assert os.getpid() in found.ends


def test_unread_bytes_before_a_fin(scene: Scene) -> None:
    server, client = scene.pair(scene.listener())
    client.send(b"never read")
    assert server.recv(3) == b"nev"
    client.shutdown(socket.SHUT_WR)
    scene.wait_for(lambda found: any(one.state is TcpState.CLOSE_WAIT for one in found))
    server.close()
    (found,) = scene.attributions()
    assert found.cause is Cause.UNREAD_DATA
    assert "while 7 unread bytes were" in found.sentence


def test_linger_0(scene: Scene) -> None:
    server, client = scene.pair(scene.listener())
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    expect_reset(client)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.ABORTED, Effect.TAKEN)


@pytest.mark.parametrize("backend", ["nft", "iptables-nft", "iptables-legacy"])
def test_a_reject_rule(scene: Scene, backend: str) -> None:
    listener = scene.listener()
    _, client = scene.pair(listener)
    scene.server.rule("tcp dport 9 reject with tcp reset")  # not this one
    if backend == "nft":
        scene.server.run("nft", f"add rule inet wb c tcp dport {PORT} counter reject with tcp reset")
    else:
        scene.server.run(
            backend, "-A", "INPUT", "-p", "tcp", "--dport", str(PORT), "-j", "REJECT", "--reject-with", "tcp-reset"
        )
    client.send(b"hello")
    expect_reset(client)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.REJECT_RULE, Effect.TAKEN)
    assert found.rule is not None
    assert str(PORT) in found.rule.text
    assert found.rule.backend.value == {"nft": "nftables"}.get(backend, backend)


@pytest.mark.parametrize("backend", ["nft", "iptables-nft", "iptables-legacy"])
def test_a_drop_rule_is_silence(scene: Scene, backend: str) -> None:
    _, client = scene.pair(scene.listener())
    if backend == "nft":
        scene.server.rule(f"tcp dport {PORT} drop")
    else:
        scene.server.run(backend, "-A", "INPUT", "-p", "tcp", "--dport", str(PORT), "-j", "DROP")
    client.send(b"hello")
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.DROP_RULE, Effect.BLOCKED)
    assert found.rule is not None
    assert found.rule.backend.value == {"nft": "nftables"}.get(backend, backend)
    events = scene.wait_for(lambda found: any(one.kind is EventKind.RETRANSMISSION for one in found))
    assert not [one for one in events if one.kind in {EventKind.RESET_SENT, EventKind.RESET_PACKET}]


def test_an_administrator(scene: Scene) -> None:
    _, client = scene.pair(scene.listener())
    scene.server.run("ss", "-K", "-t", "state", "established", "sport", f"= :{PORT}")
    expect_reset(client)
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.DESTROYED, Effect.TAKEN)
    assert found.sentence.startswith("ss ")


def test_nobody_listens(scene: Scene) -> None:
    with pytest.raises(ConnectionRefusedError):
        scene.connect()
    (found,) = scene.attributions()
    assert (found.cause, found.effect) == (Cause.REFUSED, Effect.TAKEN)


def test_a_hundred_normal_closes_are_nobodys_reset(scene: Scene) -> None:
    listener = scene.listener()
    for number in range(100):
        server, client = scene.pair(listener)
        client.send(b"question")
        assert server.recv(100) == b"question"
        server.send(b"answer")
        assert client.recv(100) == b"answer"
        first, second = (client, server) if number % 2 else (server, client)
        first.shutdown(socket.SHUT_WR)
        assert second.recv(100) == b""
        second.close()
        assert first.recv(100) == b""
        first.close()
    _, client = scene.pair(listener)
    server = scene.open[-1]
    client.send(b"never read")
    server.recv(1, socket.MSG_PEEK)
    server.close()
    (found,) = scene.attributions()
    assert found.cause is Cause.UNREAD_DATA, "the one reset that there was, after all the others"
