"""Ways out of the application while an operation is held: at a real terminal, with a scripted operation."""

import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 30.0
SCRIPT = """
import pathlib, sys
from tests.sample_operation import ScriptedOperation, dump_plan, finished, held
from tests.tui.screens import application
from workbench.tui.ending import run_to_the_end
from workbench.tui.session import Session

operation = ScriptedOperation(held(), finished())
operation.start(lambda _: None)
app = application()
app.session = Session(dump_plan(), operation)
if sys.argv[2] == "fault":
    app.header = None
status = run_to_the_end(app)
pathlib.Path(sys.argv[1]).write_text(",".join(operation.asked))
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ("SIGTERM", 128 + signal.SIGTERM),
        ("SIGHUP", 128 + signal.SIGHUP),
        ("closed", 128 + signal.SIGHUP),
        ("closed, SIGHUP ignored", 128 + signal.SIGHUP),
        ("fault", 1),
    ],
)
def test_an_operation_that_is_held_is_turned_back(way: str, status: int, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        signal.signal(signal.SIGHUP, signal.SIG_IGN if "ignored" in way else signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT, str(asked), way])
    deadline = time.monotonic() + PATIENCE_S
    said = b""
    while way != "fault" and b"1 Con" not in said:
        assert time.monotonic() < deadline, said
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 65536)
    if way.startswith("closed"):
        os.close(terminal)
    elif way != "fault":
        os.kill(child, signal.Signals[way])
    ended = _ended(child, None if way.startswith("closed") else terminal)
    assert asked.read_text() == "turn back"
    assert os.waitstatus_to_exitcode(ended) == status


def _ended(child: int, terminal: int | None) -> int:
    """Read what it still says until it has ended; its status as wait(2) gives it."""
    held = os.pidfd_open(child)
    deadline = time.monotonic() + PATIENCE_S
    while held not in select.select([held], [], [], 0.05)[0]:
        assert time.monotonic() < deadline
        if terminal is not None and select.select([terminal], [], [], 0)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:  # EIO: nobody holds the other side
                terminal = None
    os.close(held)
    return os.waitpid(child, 0)[1]
