"""Puts right what a hand-off leaves if the workbench is killed in the middle of it: nobody stays stopped.

Run as a program, it lives in a session of its own. Standard input tells which journal it guards (``guard PATH``,
answered by a line) and when that is over (``done``). If the workbench ends in between, it does at once what
``workbench recover`` would do. Killing it as well leaves that to ``workbench recover``.
"""

import contextlib
import select
import signal
import subprocess
import sys
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.operation.task import Task

READY_S = 20.0
_DIES_S = 10.0


class Watchdog:
    """The workbench's end of it: one at a time is guarded, any number one after the other."""

    def __init__(self) -> None:
        """Start it; ``guard`` waits until it is ready. Raises OSError."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.operation.handoff.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def guard(self, journal: Path) -> None:
        """From now on it steps in for this hand-off if we are killed. Raises WorkbenchError if it is not there."""
        self._tell(f"guard {journal}\n")
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], READY_S)[0] or not self._process.stdout.readline():
            raise WorkbenchError("The watchdog of the hand-off did not start", "try again")

    def done(self) -> None:
        """The hand-off is over."""
        with contextlib.suppress(WorkbenchError):  # it has nothing left to do
            self._tell("done\n")

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError as error:
            raise WorkbenchError(f"The watchdog of the hand-off is gone: {error.strerror}", "try again") from error


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    guarded: Path | None = None
    for line in sys.stdin:  # ends when the workbench does
        word, _, rest = line.strip().partition(" ")
        guarded = Path(rest) if word == "guard" else None
        if guarded:
            sys.stdout.write("guarded\n")
            sys.stdout.flush()
            # What an emergency needs is loaded while the workbench works.
            from workbench.operation.handoff import recovering

            del recovering
    if guarded:
        _step_in(guarded)


def _step_in(journal: Path) -> None:
    from workbench.operation.journal import read_entry
    from workbench.operation.recover import put_right

    entry = read_entry(journal)
    if entry is None or entry.ended:
        return
    workbench = Task.hold(*entry.begun["workbench"])
    if workbench is not None:
        workbench.gone(_DIES_S)  # its descriptors are closed before it is a zombie
        workbench.close()
    if not entry.workbench_alive:
        put_right(entry, restoring=True)


if __name__ == "__main__":
    main()
