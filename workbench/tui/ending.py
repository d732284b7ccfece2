"""How the application ends: whatever the way, no operation is left held that nobody can answer any more."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

from workbench.present.progress import report_lines

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

LONGEST_S = 60.0
"""For an operation to be turned back, or to come to its end where that is too late."""


def end_on_signals(app: "WorkbenchApp") -> None:
    """Have SIGTERM, SIGHUP and a terminal that is gone end the application like a person would."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, _end, app, number)
    if not app.is_headless:
        threading.Thread(target=_end_with_terminal, args=(app, loop), daemon=True).start()


def _end_with_terminal(app: "WorkbenchApp", loop: asyncio.AbstractEventLoop) -> None:
    """Whoever ignores SIGHUP, or is not of the terminal's session, is not told otherwise that it has hung up."""
    terminal = select.poll()
    terminal.register(0, 0)  # poll(2) tells of POLLHUP whether it was asked for or not
    terminal.poll()
    with contextlib.suppress(RuntimeError):  # the application has ended meanwhile
        loop.call_soon_threadsafe(_end, app, signal.SIGHUP)


def _end(app: "WorkbenchApp", number: signal.Signals) -> None:
    if number is signal.SIGHUP:
        # Textual's threads would fail at a terminal that has hung up, and with them its way out.
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
    app.exit(return_code=128 + number)


def run_to_the_end(app: "WorkbenchApp") -> int:
    """Run it; however it ends, an operation that is still open is turned back. Returns the exit status."""
    try:
        app.run()
    finally:
        if app.session is not None and app.session.is_open:
            operation = app.session.operation
            operation.turn_back()
            report = report_lines(operation.wait(LONGEST_S))
            with contextlib.suppress(OSError):  # the terminal may be gone
                sys.stderr.write("".join(f"{each}\n" for each in report))
        app.lab.close()
    return app.return_code or 0
