"""A stream of 8 MB/s in both directions that changes hands while its client checks every byte."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

ROUNDS = 30


@pytest.mark.timeout(300)
def test_nothing_is_missing_doubled_or_changed(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "--net", "--", sys.executable, "-m", "workbench.lab.programs.handing", str(ROUNDS), "v4"],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "WORKBENCH_STATE": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["trouble"] == ""
    assert found["first_wrong_byte"] is None
    assert found["ended"] == ""
    assert found["handoffs"] == ROUNDS + 1
    assert found["peer_answered"] == ROUNDS + 1
    assert found["bytes_checked"] > 10_000_000
    assert found["tables_left"] == []
    assert not list(tmp_path.glob("*.state"))
