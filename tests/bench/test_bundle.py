"""A bundle of a host with 50 000 connections: made in less than five seconds, opened in less than two."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crowd import crowd

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

ROUNDS = 3
PAIRS = 25_000
OPEN = """
import sys, time
from workbench.cli.opened import opened
from workbench.tui.app import WorkbenchApp
from workbench.tui.collector import Collector

def shown(moment):
    print(len(moment.table.rows), time.process_time())
    sys.stdout.flush()

source, screen = opened(sys.argv[1:])
collector = Collector(lambda: source, None, shown, print)
collector.screen = screen
collector._look(source, judges=False)
"""
"""With everything that the application loads, until the first moment is there to be shown."""


def made_s(command: list[str], environment: dict[str, str]) -> float:
    """Processor time of the command, and of what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, capture_output=True, timeout=300, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def opened_s(bundle: Path) -> float:
    """Processor time until the rows of the first screen are there."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(bundle)], stdout=subprocess.PIPE, text=True, timeout=300, check=True
    )
    rows, seconds = done.stdout.split()
    assert int(rows) >= 2 * PAIRS
    return float(seconds)


def test_made_and_opened(tmp_path: Path) -> None:
    bundle = tmp_path / "b.zip"
    environment = {**os.environ, "WORKBENCH_STATE": str(tmp_path / "state")}
    command = [str(Path(sys.executable).with_name("workbench")), "bundle", "--force", "-o", str(bundle)]
    with crowd(PAIRS):
        made = min(made_s(command, environment) for _ in range(ROUNDS))
    opened = min(opened_s(bundle) for _ in range(ROUNDS))
    sys.stdout.write(
        f"\n{2 * PAIRS} sockets: made in {made:.2f} s, opened in {opened:.2f} s of processor time,"
        f" {bundle.stat().st_size} bytes\n"
    )
    assert made < 5
    assert opened < 2
