"""``workbench sockets`` of a part of the host."""

import json
import os
import socket
from pathlib import Path

import pytest

from workbench.cli.main import run as workbench

pytestmark = pytest.mark.root


@pytest.fixture
def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection, which this process has open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        served, _ = listener.accept()
    return client, served


def rows(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, object]]:
    assert workbench(["sockets", "--format", "json", *options]) == 0
    found = json.loads(capsys.readouterr().out)["sockets"]
    assert isinstance(found, list)
    return found


def text(end: tuple[str, int]) -> str:
    return f"{end[0]}:{end[1]}"


def test_the_sockets_of_a_process_are_those_that_it_has_open(
    pair: tuple[socket.socket, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    client, served = pair
    found = rows(capsys, "--pid", str(os.getpid()))
    assert {row["pid"] for row in found} == {os.getpid()}
    assert {text(client.getsockname()), text(served.getsockname())} <= {row["local"] for row in found}


def test_a_connection_is_both_of_its_ends(
    pair: tuple[socket.socket, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    client, _ = pair
    local, peer = text(client.getsockname()), text(client.getpeername())
    assert {row["local"] for row in rows(capsys, "--connection", f"{local}-{peer}")} == {local, peer}


def test_a_namespace_is_all_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    inode = Path("/proc/self/ns/net").stat().st_ino
    assert {row["netns"] for row in rows(capsys, "--netns", "/proc/self/ns/net")} == {inode}


@pytest.mark.parametrize("options", [("--pid", "4194305"), ("--container", "no-such"), ("--connection", "nonsense")])
def test_what_is_not_there_is_told_in_one_line(options: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench(["sockets", *options]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
