"""A look at thousands of connections with owners and sequence numbers, beside ss(8) in the same run."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crowd import crowd
from workbench.collect.live import LiveSource
from workbench.collect.socket_columns import columns_of
from workbench.evidence import Gap

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

ROUNDS = 5
SECTIONS = {"sockets", "sequences"}
WORKBENCH = [str(Path(sys.executable).with_name("workbench")), "sockets", "--sequences"]


@pytest.fixture(scope="module", params=[10_000, 50_000])
def crowded(request: pytest.FixtureRequest) -> Iterator[tuple[int, str]]:
    """Number of connections, path of the namespace that has both of their ends."""
    with crowd(request.param) as path:
        yield request.param, path


def columns(source: LiveSource) -> int:
    evidence = source.evidence(SECTIONS)
    assert not isinstance(evidence.sockets, Gap)
    assert not isinstance(evidence.sequences, Gap)
    return len(columns_of(evidence.sockets, evidence.sequences).state)


def from_the_start() -> None:
    source = LiveSource()
    columns(source)
    source.close()


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)


def test_a_round_beside_ss(crowded: tuple[int, str]) -> None:
    connections, namespace = crowded
    source = LiveSource()
    listed = columns(source)
    ways: dict[str, Callable[[], object]] = {
        "ss -tanpi": lambda: run(["nsenter", f"--net={namespace}", "ss", "-tanpi"]),
        "a look (owners, sequences)": lambda: source.evidence(SECTIONS),
        "with every field as a column": lambda: columns(source),
        "the same, everything loaded first": from_the_start,
        "workbench sockets --sequences": lambda: run(WORKBENCH),
        "workbench sockets --format json": lambda: run([*WORKBENCH, "--format", "json"]),
    }
    # In turn, so that whatever else the machine does concerns all alike.
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            times[name].append((time.perf_counter() - begin) * 1000)
    source.close()
    medians = {name: statistics.median(each) for name, each in times.items()}
    ss = medians["ss -tanpi"]
    sys.stdout.write(f"\n{connections} connections, {listed} sockets\n")
    for name, milliseconds in medians.items():
        sys.stdout.write(f"{name:36}{milliseconds:8.0f} ms{milliseconds / ss:8.3f} of ss\n")
    if connections >= 50_000:
        assert medians["with every field as a column"] < ss / 5
        assert medians["workbench sockets --sequences"] < ss / 5
