"""A command of the workbench in a process of its own: what it said, and what it took."""

import re
import subprocess
import sys
from dataclasses import dataclass

TIMEOUT_S = 120
_PROGRAM = """
import resource, sys
from workbench.main import main
try:
    status = main(sys.argv[1:])
except SystemExit as ended:
    status = ended.code
sys.stdout.flush()
usage = resource.getrusage(resource.RUSAGE_SELF)
# not ru_maxrss, which remembers the parent's memory from before the exec
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
sys.stderr.write(f"peak {peak} {usage.ru_utime + usage.ru_stime}")
sys.exit(status)
"""


@dataclass(frozen=True)
class Taken:
    """What a command said and took."""

    status: int
    output: str
    errors: str
    mebibytes: float
    """The most that it had in memory."""
    processor_s: float


def taken(*words: str) -> Taken:
    """Run it to its end."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    errors = done.stderr.decode(errors="replace")
    found = re.search(r"peak (\d+) ([\d.]+)$", errors)
    assert found, errors
    output = done.stdout.decode(errors="replace")
    return Taken(done.returncode, output, errors[: found.start()], int(found[1]) / 1024, float(found[2]))
