"""The whole library on a host with 50 000 sockets, beside ss(8) in the same run."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crowd import crowd

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

ROUNDS = 3
PAIRS = 25_000


@pytest.fixture(scope="module")
def crowded() -> Iterator[str]:
    with crowd(PAIRS) as path:
        yield path


def processor_s(command: list[str]) -> float:
    """Processor time of a command and what it started, the least of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        rounds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(rounds)


def test_all_checks(crowded: str) -> None:
    ours = processor_s([str(Path(sys.executable).with_name("workbench")), "check"])
    theirs = processor_s(["nsenter", f"--net={crowded}", "ss", "-tanpi"])
    sys.stdout.write(
        f"\n{2 * PAIRS} sockets: workbench check {ours:.2f} s, ss -tanpi {theirs:.2f} s of processor time\n"
    )
    assert ours < theirs
    assert ours < 2.0
