"""A connection that changes hands again and again while its client checks every byte."""

import json
import subprocess
import sys

from workbench.errors import WorkbenchError
from workbench.lab.lab import Lab
from workbench.lab.migrating import environment

TIMEOUT_S = 300.0


def hand_over(lab: Lab, *, rounds: int, family: str) -> dict[str, object]:
    """``rounds`` hand-offs between two processes, and one to another host; what was measured."""
    program = [sys.executable, "-m", "workbench.lab.programs.handing", str(rounds), family]
    done = subprocess.run(
        lab.host.entering(*program), capture_output=True, timeout=TIMEOUT_S, check=False,
        env=environment(lab, lab.host),
    )  # fmt: skip
    try:
        measured: dict[str, object] = json.loads(done.stdout)
    except ValueError:
        raise WorkbenchError(f"the hand-offs ended: {done.stderr.decode(errors='replace')[-500:]}") from None
    for name in ("trouble", "first_wrong_byte", "ended", "tables_left"):
        if measured.get(name):
            raise WorkbenchError(f"the hand-offs: {name} is {measured[name]}")
    return measured
