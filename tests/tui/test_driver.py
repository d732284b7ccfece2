"""A terminal that hangs up while it is written to."""

import os
import threading

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.drivers.linux_driver import LinuxDriver

from tests.tui.screens import application
from workbench.tui.driver import PatientDriver, PatientFile

DEADLINE_S = 20.0


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
