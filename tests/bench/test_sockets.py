"""Ten thousand connections: our whole round of sockets with owners, beside ss(8) in the same run."""

import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from workbench.collect.live import LiveSource
from workbench.collect.namespaces import inside
from workbench.evidence import Gap

pytestmark = pytest.mark.root

CONNECTIONS = 10_000
ROUNDS = 5


@pytest.fixture(scope="module")
def crowded() -> Iterator[str]:
    """A namespace with that many connections, both ends held by this process."""
    name = f"wb-bench-{os.getpid()}"
    path = f"/run/netns/{name}"
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(CONNECTIONS, most // 2 - 200)
    opened: list[socket.socket] = []

    def connect() -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        opened.append(listener)
        for index in range(count):
            # A local address for each 20 000 connections: there are 28 000 ephemeral ports.
            source = (f"127.0.{index // 20_000 + 1}.1", 0)
            opened.append(socket.create_connection(listener.getsockname(), source_address=source))
            opened.append(listener.accept()[0])

    subprocess.run(["ip", "netns", "add", name], check=True, timeout=60)
    try:
        subprocess.run(["nsenter", f"--net={path}", "ip", "link", "set", "lo", "up"], check=True, timeout=60)
        inside(path, connect)
        yield path
    finally:
        for each in opened:
            each.close()
        subprocess.run(["ip", "netns", "delete", name], check=True, timeout=60)


def median_ms(action: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def test_a_round_beside_ss(crowded: str) -> None:
    command = ["nsenter", f"--net={crowded}", "ss", "-tanpi"]
    ss = median_ms(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60))
    source = LiveSource()
    found = source.evidence({"sockets", "sequences"}).sockets
    assert not isinstance(found, Gap)
    rounds = {
        "sockets, owners by /proc": median_ms(lambda: source.evidence({"sockets"})),
        "sockets, owners, sequences": median_ms(lambda: source.evidence({"sockets", "sequences"})),
        "every Socket made": median_ms(lambda: list(source.evidence({"sockets", "sequences"}).sockets)),  # type: ignore[arg-type]
    }
    source.close()
    sys.stdout.write(f"\n{len(found)} sockets; ss -tanpi {ss:.0f} ms\n")
    for name, milliseconds in rounds.items():
        sys.stdout.write(f"{name}: {milliseconds:.0f} ms, {milliseconds / ss:.2f} of ss\n")
    assert rounds["sockets, owners, sequences"] < ss
