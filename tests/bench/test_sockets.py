"""A look at thousands of connections with owners and sequence numbers, beside ss(8) in the same run."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.crowd import crowd
from workbench.collect.live import LiveSource
from workbench.collect.socket_columns import columns_of
from workbench.evidence import Gap

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

ROUNDS = 3
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
    return len(columns_of(evidence.sockets, evidence.sequences))


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
    # In turn, so that whatever else the machine does concerns all alike; processor time does not depend on it.
    times: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(cost(way))
    source.close()
    ss = middle(times["ss -tanpi"])
    sys.stdout.write(f"\n{connections} connections, {listed} sockets; milliseconds, and parts of what ss takes\n")
    found = {name: middle(each) for name, each in times.items()}
    for name, each in found.items():
        elapsed = f"{each.elapsed_ms:8.0f} elapsed {each.elapsed_ms / ss.elapsed_ms:6.3f}"
        sys.stdout.write(f"{name:36}{elapsed}{each.cpu_ms:8.0f} cpu {each.cpu_ms / ss.cpu_ms:6.3f}\n")
    if connections >= 50_000:
        assert all(each.cpu_ms < ss.cpu_ms / 5 for name, each in found.items() if name != "ss -tanpi")


class Cost(NamedTuple):
    elapsed_ms: float
    cpu_ms: float
    """Of this process and its children."""


def cost(way: Callable[[], object]) -> Cost:
    begin, used = time.perf_counter(), _cpu_s()
    way()
    return Cost((time.perf_counter() - begin) * 1000, (_cpu_s() - used) * 1000)


def middle(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def _cpu_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
