"""``workbench why`` on sockets of our own: what it says, in which form, and with which status."""

import json
import socket
from collections.abc import Iterator

import pytest

from workbench.cli.main import run

pytestmark = pytest.mark.root


@pytest.fixture
def idle() -> Iterator[tuple[socket.socket, str]]:
    """One end of a connection on which nothing happens, and the connection as the command wants it."""
    with (
        socket.create_server(("127.83.5.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        server, _ = listener.accept()
        with server:
            local, peer = (":".join(map(str, end)) for end in (server.getsockname(), server.getpeername()))
            yield client, f"{local}-{peer}"


def test_a_silence_that_is_right_is_no_finding(
    idle: tuple[socket.socket, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", idle[1], "--seconds", "0.3", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)["silence"]
    assert answer["why"] == "nothing-to-send"
    assert {proof["source"] for proof in answer["proof"]} == {"sockets", "sequences"}
    assert answer["advice"] is None


def test_one_that_is_not_is_one(idle: tuple[socket.socket, str], capsys: pytest.CaptureFixture[str]) -> None:
    client, connection = idle
    client.send(b"never read")
    assert run(["why", connection, "--seconds", "0.3"]) == 1
    said = capsys.readouterr().out
    assert "not-reading: " in said
    assert "10 bytes have arrived and wait" in said
    assert "What to do" in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("127.83.5.1:1-127.83.5.1:2",), "there is no connection"),
        (("here-there",), "here-there"),
        (("127.83.5.1:1-127.83.5.1:2", "--seconds", "0"), "no time"),
        (("127.83.5.1:1-127.83.5.1:2", "--netns", "no-such"), "no-such"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", *words]) == 2
    assert complaint in capsys.readouterr().err
