"""A terminal that hangs up while it is written to, and one that sends what is no text."""

import os
import pty
import select
import signal
import sys
import threading
import time

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.drivers.linux_driver import LinuxDriver

from tests.tui.screens import application
from workbench.tui.driver import PatientDriver, PatientFile

DEADLINE_S = 20.0
_SCRIPT = "from tests.tui.screens import application; application().run()"


def test_the_application_never_waits_for_a_terminal_that_is_gone() -> None:
    terminal, other_side = os.openpty()
    os.close(terminal)
    with os.fdopen(other_side, "w") as file:
        writer = WriterThread(PatientFile(file))  # type: ignore[arg-type]  # as the driver does
        writer.start()

        def write_and_end() -> None:
            for _ in range(3 * MAX_QUEUED_WRITES):
                writer.write("a screen full\n")
            writer.stop()

        application = threading.Thread(target=write_and_end, daemon=True)
        application.start()
        application.join(DEADLINE_S)
        assert not application.is_alive()
        os.dup2(os.open(os.devnull, os.O_WRONLY), other_side)  # what is still buffered has somewhere to go


def test_it_is_the_driver_of_a_terminal() -> None:
    assert issubclass(PatientDriver, LinuxDriver)
    assert application().get_driver_class() is PatientDriver


def test_bytes_that_are_no_text_are_a_key_that_nobody_knows() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", _SCRIPT])
    try:
        _expect(terminal, b"LOCAL")
        os.write(terminal, b"\xe9\xff\xc3")
        os.write(terminal, b"?")
        _expect(terminal, b"What is going on")
        os.write(terminal, b"\x1b")
        _expect(terminal, b"LOCAL")
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)


def _expect(terminal: int, drawn: bytes) -> None:
    """Read until it is drawn."""
    deadline = time.monotonic() + DEADLINE_S
    said = b""
    while drawn not in said:
        assert time.monotonic() < deadline, said[-2000:]
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 65536)
