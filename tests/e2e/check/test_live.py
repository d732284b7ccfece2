"""``workbench check`` on real locks and real sockets, and the commands that its findings offer."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.netfilter.conftest import V4, Scratch

pytestmark = pytest.mark.root

PATIENCE_S = 60
"""Other programs on this host may be using CRIU just then: a lock is nobody's leftover until they have ended."""
PROGRAM = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 7022))
client = socket.create_connection(("127.0.0.1", 7022))
print(client.getsockname()[1], flush=True)
for line in sys.stdin:
    if line == "accept\\n":
        server, _ = listener.accept()
    else:
        client.send(b"data")
    print("done", flush=True)
"""


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    """A network namespace of this test's own, with its loopback up."""
    name = f"wbcheck{time.monotonic_ns()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        space = Scratch(name)
        space.run("ip", "link", "set", "lo", "up")
        yield space
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def _check(*words: str) -> list[dict[str, Any]]:
    """Findings, notes left out."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench.main", "check", "--format", "jsonl", "--min-severity", "warning", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _eventually(code: str, *words: str) -> dict[str, Any]:
    """The finding of one check; others may stand beside it (a legacy lock is also in the wrong backend)."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        in_use = _running_criu()
        found = _check(*words)
        wanted = [finding for finding in found if finding["code"] == code]
        if wanted:
            assert len(wanted) == 1
            return wanted[0]
        assert in_use, found
        assert time.monotonic() < deadline, found
        for pidfd in in_use:
            select.select([pidfd], [], [], max(deadline - time.monotonic(), 0))
            os.close(pidfd)


def _running_criu() -> list[int]:
    """Descriptors of all processes of that name on this host."""
    found = []
    for name in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if name.read_text().startswith("criu"):
                found.append(os.pidfd_open(int(name.parent.name)))
    return found


def _do(finding: dict[str, Any]) -> None:
    for fix in finding["fix"]:
        if fix["command"]:
            subprocess.run(fix["command"], check=True)


@pytest.mark.parametrize(
    "lock",
    [
        pytest.param(lambda space: space.pair("iptables-legacy", *V4), id="legacy pair"),
        pytest.param(lambda space: space.pair("iptables-nft", *V4), id="nft pair"),
        pytest.param(lambda space: space.whole("iptables-legacy"), id="legacy chain"),
        pytest.param(lambda space: space.whole("iptables-nft"), id="nft chain"),
        pytest.param(lambda space: space.table(V4), id="nftables"),
    ],
)
def test_a_leftover_is_found_and_its_commands_remove_it(scratch: Scratch, lock: Callable[[Scratch], None]) -> None:
    assert _check("--netns", scratch.name) == []
    lock(scratch)
    _do(_eventually("NFT001", "--netns", scratch.name))
    assert _check("--netns", scratch.name) == []


@contextmanager
def _program(scratch: Scratch) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that talks to itself, and the port of its client end."""
    with subprocess.Popen(
        ["nsenter", f"--net={scratch.path}", "setsid", "--wait", sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stdin is not None
        try:
            yield running, int(running.stdout.readline())
        finally:
            running.stdin.close()


def _tell(running: subprocess.Popen[str], word: str) -> None:
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(f"{word}\n")
    running.stdin.flush()
    assert running.stdout.readline() == "done\n"


def test_a_lock_on_a_connection_that_lives(scratch: Scratch) -> None:
    with _program(scratch) as (running, port):
        _tell(running, "accept")
        assert _check("--netns", scratch.name) == []
        scratch.pair("iptables-nft", "127.0.0.1", 7022, "127.0.0.1", port)
        _tell(running, "send")
        finding = _eventually("NFT002", "--netns", scratch.name)
        assert f"127.0.0.1:{port}" in finding["message"]
        assert all(fix["safe"] for fix in finding["fix"])
        _do(finding)
        assert _check("--netns", scratch.name) == []


def test_a_client_that_was_not_accepted_would_stop_the_dump(scratch: Scratch) -> None:
    with _program(scratch) as (running, _):
        words = ("--for", "dump", "--pid", str(running.pid), "--select", "SCK")
        finding = _eventually("SCK001", *words)
        assert finding["facts"]["waiting"] == 1
        _tell(running, "accept")
        assert _check(*words) == []
