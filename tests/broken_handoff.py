"""Hand-offs on a stage of their own, with somebody killed; for tests."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

PROGRAM = Path(__file__).parent / "e2e" / "handoff" / "stage.py"


class Play(Protocol):
    def __call__(self, stage: str, victim: str, way: str = "here") -> dict[str, Any]:
        """One hand-off in which ``victim`` is killed at ``stage``; see ``stage.py``."""


@contextlib.contextmanager
def stage(state: Path) -> Iterator[Play]:
    """The stage, until the end; its journals lie in ``state``."""
    with subprocess.Popen(
        ["unshare", "--net", "--", sys.executable, str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "WORKBENCH_STATE": str(state)},
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        stdin, stdout = running.stdin, running.stdout

        def play(stage: str, victim: str, way: str = "here") -> dict[str, Any]:
            stdin.write(f"{stage}|{victim}|{way}\n")
            stdin.flush()
            found: dict[str, Any] = json.loads(stdout.readline())
            return found

        yield play
        stdin.close()


def nothing_is_left(found: dict[str, Any]) -> None:
    """Nobody stands still, and neither a rule nor a file nor an unfinished journal is there."""
    assert found["stopped"] == [], found
    assert found["tables"] == "", found
    assert found["unfinished"] == [], found
    assert found["files"] == [], found
