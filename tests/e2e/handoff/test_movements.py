"""Connections in every state, moved from one socket into another within a namespace of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

PROGRAM = Path(__file__).parent / "movements.py"
STATES = {"ESTABLISHED", "full", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK"}
SENDING = {"ESTABLISHED", "FIN_WAIT1", "CLOSING", "LAST_ACK"}


@pytest.mark.parametrize("family", ["v4", "v6", "mapped"])
def test_every_state_goes_on_in_another_socket(family: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), family], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows.keys() == STATES
    for name, row in rows.items():
        assert row["state"] == (name if name != "full" else "ESTABLISHED")
        assert row["unread"] > 0, name
        assert row["received"], f"{name}: the new socket gave other bytes than the peer has sent"
        assert row["delivered"], f"{name}: the peer got other bytes than were sent"
        assert row["closed"], f"{name}: an end did not see the other close"
        assert row["old"] == ["b''", "BrokenPipeError"], f"{name}: the old socket"
        assert row["same"] == [], f"{name}: restored differently"
        assert row["resets"] == 0, f"{name}: a reset was sent"
        before, after = row["mss"]
        assert after >= before or after > 30_000, f"{name}: the MSS fell from {before} to {after}"
    assert {name for name, row in rows.items() if row["in_flight"]} == SENDING
    assert rows["full"]["unsent"] > 1 << 20
    assert rows["CLOSE_WAIT"]["unsent"] > 0
