"""The protocol by which one process gives another a connection, spoken over a real unix socket."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.read.test_state_file import STATE
from workbench.errors import WorkbenchError
from workbench.repair.transfer import Recipient, listen, receive, take

ENOUGH_S = 20.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    with one, other:
        yield one, other


class Taker(threading.Thread):
    """Waits at a path in a thread of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.listener = listen(path)
        self.taken: socket.socket | None = None
        self.failure: OSError | None = None

    def run(self) -> None:
        channel, _ = self.listener.accept()
        try:
            with channel:
                self.taken = receive(channel)
        except OSError as error:
            self.failure = error

    def end(self) -> None:
        self.join(ENOUGH_S)
        assert not self.is_alive()
        self.listener.close()


@pytest.fixture
def taker(tmp_path: Path) -> Iterator[Taker]:
    started = Taker(tmp_path / "here")
    started.start()
    yield started
    started.end()


def test_a_connection_is_given(tmp_path: Path, taker: Taker, pair: tuple[socket.socket, socket.socket]) -> None:
    recipient = Recipient.at(str(tmp_path / "here"))
    assert recipient.pid == os.getpid()
    recipient.offer(STATE.connection, STATE.state, ENOUGH_S)
    recipient.send(pair[0], ENOUGH_S)
    recipient.go()
    taker.join(ENOUGH_S)
    recipient.close()
    assert taker.taken is not None
    pair[1].sendall(b"hello")
    assert taker.taken.recv(5) == b"hello"
    taker.taken.close()


def test_who_hears_no_go_asks_the_socket(
    tmp_path: Path, taker: Taker, pair: tuple[socket.socket, socket.socket]
) -> None:
    recipient = Recipient.at(str(tmp_path / "here"))
    recipient.offer(STATE.connection, STATE.state, ENOUGH_S)
    recipient.send(pair[0], ENOUGH_S)
    recipient.close()
    taker.join(ENOUGH_S)
    assert taker.taken is not None  # it is not in repair mode, and connected
    taker.taken.close()


def test_a_socket_without_connection_was_taken_back(tmp_path: Path, taker: Taker) -> None:
    recipient = Recipient.at(str(tmp_path / "here"))
    recipient.offer(STATE.connection, STATE.state, ENOUGH_S)
    with socket.socket() as unconnected:
        recipient.send(unconnected, ENOUGH_S)
    recipient.close()
    taker.join(ENOUGH_S)
    assert isinstance(taker.failure, ConnectionAbortedError)


def test_an_offer_without_a_socket_ends_in_an_error(tmp_path: Path, taker: Taker) -> None:
    recipient = Recipient.at(str(tmp_path / "here"))
    recipient.offer(STATE.connection, STATE.state, ENOUGH_S)
    recipient.close()
    taker.join(ENOUGH_S)
    assert isinstance(taker.failure, ConnectionAbortedError)


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="Nobody takes connections at"):
        Recipient.at(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b'{"accept": false, "reason": "no room"}', "no room"),
        (b"[]", "closed"),
        (b"\xff", "cannot be spoken with"),
    ],
)
def test_a_refusal_and_nonsense_are_told(tmp_path: Path, answer: bytes, word: str) -> None:
    with listen(tmp_path / "here") as listener:
        recipient = Recipient.at(str(tmp_path / "here"))
        channel, _ = listener.accept()
        channel.send(answer)
        with pytest.raises(WorkbenchError, match=word):
            recipient.offer(STATE.connection, STATE.state, ENOUGH_S)
        assert json.loads(channel.recv(4096))["connection"] == ["10.0.0.2", 7022, "10.0.0.1", 40000]
        channel.close()
        recipient.close()


def test_another_version_is_refused(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(b'{"handoff": 9}')
        with pytest.raises(ConnectionError):
            receive(theirs)
        assert json.loads(ours.recv(4096))["accept"] is False


def test_the_path_is_private_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "here"
    with listen(path):
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TimeoutError):
        take(path, timeout=0.01)
    assert not path.exists()
