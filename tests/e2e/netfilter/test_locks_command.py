"""``workbench locks`` on locks that hold back a live connection, and that nobody needs."""

import argparse
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import locks as command
from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError

pytestmark = pytest.mark.root


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    options = parser.parse_args(["locks", *words])
    return int(options.func(options))


@pytest.fixture
def connection(netns: Any) -> Iterator[tuple[str, int, str, int]]:
    netns.run("ip", "link", "set", "lo", "up")
    netns.run("ip", "address", "add", "10.9.0.2/32", "dev", "lo")
    listener = inside(netns.path, lambda: socket.create_server(("10.9.0.2", 0)))
    client = inside(netns.path, lambda: socket.create_connection(listener.getsockname()))
    accepted, _ = listener.accept()
    yield (*accepted.getsockname(), *accepted.getpeername())
    for end in (client, accepted, listener):
        end.close()


def test_json(netns: Any, connection: tuple[str, int, str, int], capsys: pytest.CaptureFixture[str]) -> None:
    netns.pair("iptables-legacy", *connection)
    netns.table(("10.0.0.2", 7022, "10.0.0.1", 56692))
    assert run("--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert "gaps" in document["evidence"]
    table, pair = (row for row in document["locks"] if row["netns"] == netns.namespace.inode)
    local = f"{connection[0]}:{connection[1]}"
    assert (pair["status"], pair["backend"], pair["netns_name"]) == ("leak", "iptables-legacy", netns.name)
    assert pair["connections"] == [{"local": local, "peer": f"{connection[2]}:{connection[3]}"}]
    assert local in pair["sentence"]
    assert len(pair["cookies"]) == 1
    assert len(pair["pids"]) == 1
    assert (table["status"], table["run_id"], table["images"]) == ("unclear", "660e2a43-99b0-4c54-a4", None)
    for row in (pair, table):
        for line in row["unlock"]:
            netns.run("sh", "-c", line)
    assert run("--format", "jsonl") == 0
    rows = map(json.loads, capsys.readouterr().out.splitlines())
    assert [row for row in rows if row["netns"] == netns.namespace.inode] == []


def test_text(netns: Any, connection: tuple[str, int, str, int], capsys: pytest.CaptureFixture[str]) -> None:
    netns.pair("iptables-nft", *connection, output=False)
    netns.closed_table()
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    pair = next(number for number, line in enumerate(lines) if netns.name in line and "iptables-nft" in line)
    assert lines[pair].startswith("leak ")
    assert "input only" in lines[pair]
    assert "in one direction" in lines[pair + 1]
    assert any(netns.name in line and "the whole namespace" in line for line in lines)


def test_an_image_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="holds no CRIU images"):
        run("--images", str(tmp_path))
