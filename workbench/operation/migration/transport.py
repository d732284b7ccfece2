"""How the two halves reach each other: a program's standard streams, or an open descriptor. Never a port."""

import contextlib
import os
import shlex
import subprocess
import threading
from collections.abc import Sequence

from workbench.errors import WorkbenchError
from workbench.operation.migration.channel import Channel
from workbench.operation.task import descendants
from workbench.present.text import printable

END_S = 10.0
COMPLAINT_S = 1.0
"""Seconds in which a carrier that lost its stream says why."""


class Transport:
    """The channel to the destination, and the program that carries it; a context manager."""

    def __init__(
        self, channel: Channel, name: str, typed: Sequence[str], carrier: subprocess.Popen[bytes] | None = None
    ) -> None:
        """``typed``: how it is named on the command line of ``migrate send``."""
        self.channel, self.name, self.typed, self._carrier = channel, name, tuple(typed), carrier
        self._said = b""
        self._listening: threading.Thread | None = None
        if carrier is not None:
            self._listening = threading.Thread(target=self._listen, name="carrier", daemon=True)
            self._listening.start()

    @classmethod
    def through(cls, command: Sequence[str]) -> "Transport":
        """Start ``command`` (``ssh host workbench migrate receive``), argument by argument, without a shell.

        It gets a session of its own: it cannot ask on the terminal, and Ctrl-C is answered by us. Raises
        WorkbenchError if it cannot be started.
        """
        try:
            carrier = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise WorkbenchError(f"{command[0]} cannot be started: {error.strerror}") from error
        assert carrier.stdin is not None
        assert carrier.stdout is not None
        channel = Channel(os.dup(carrier.stdout.fileno()), os.dup(carrier.stdin.fileno()))
        carrier.stdin.close()
        carrier.stdout.close()
        return cls(channel, printable(shlex.join(command)), ("--", *command), carrier)

    @classmethod
    def on(cls, descriptor: int) -> "Transport":
        """A connected stream that was inherited, both ways. Raises WorkbenchError if it is not open."""
        try:
            number = str(descriptor)
            return cls(Channel(descriptor, os.dup(descriptor)), f"descriptor {number}", ("--on-descriptor", number))
        except OSError as error:
            raise WorkbenchError(f"descriptor {descriptor}: {error.strerror}") from error

    @property
    def complaint(self) -> str:
        """The last line that the carrier wrote to standard error before it ended; printable, empty if it lives."""
        if self._carrier is None or self._listening is None:
            return ""
        self._listening.join(COMPLAINT_S)
        lines = self._said.decode(errors="replace").strip().splitlines()
        return printable(lines[-1]) if lines and not self._listening.is_alive() else ""

    def _listen(self) -> None:
        assert self._carrier is not None
        assert self._carrier.stderr is not None
        with self._carrier.stderr as told:
            while piece := os.read(told.fileno(), 4096):
                self._said = (self._said + piece)[-4096:]

    @property
    def pids(self) -> frozenset[int]:
        """Processes that hold the stream: this one, and the program that carries it with all below it."""
        carrying = descendants(self._carrier.pid) if self._carrier is not None else ()
        return frozenset({os.getpid(), *(pid for pid, _ in carrying)})

    def __enter__(self) -> "Transport":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the stream and wait for its carrier."""
        self.channel.close()
        if self._carrier is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._carrier.wait(END_S)
            if self._carrier.returncode is None:
                self._carrier.kill()  # a child of ours that is not waited for yet: the pid is its own
                self._carrier.wait()
