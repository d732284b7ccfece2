"""A scenario performed in a process of its own, for whoever has other things to do meanwhile."""

import subprocess
import sys
from collections.abc import Sequence

from workbench.errors import WorkbenchError

LONGEST_S = 600.0


def perform(name: str, width: int) -> Sequence[str]:
    """``workbench lab run NAME`` from beginning to end; the lines of its report, tables no wider than ``width`` cells.

    Raises WorkbenchError.
    """
    command = [sys.executable, "-P", "-m", "workbench.main", "lab", "run", name, "--width", str(width)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WorkbenchError(f"{name} came to no end: {error}") from error
    complaint = done.stderr.strip().splitlines()[-1:]
    if not done.stdout:
        raise WorkbenchError("".join(complaint) or f"{name} said nothing")
    return [*done.stdout.splitlines(), *(complaint if done.returncode else ())]
