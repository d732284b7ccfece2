"""Textual's driver on a terminal that may hang up at any moment, and that may send anything."""

import codecs
import contextlib
import os
import select
from typing import Any, TextIO

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_MOST = 4096
"""Bytes that are read at once."""
_IDLE_S = 0.1
"""Between two looks whether the application has ended."""


class PatientFile:
    """A terminal to write to; once it has hung up, what is written is lost and nobody fails.

    Textual writes in a thread that an OSError would end: its queue would fill, and the application wait for ever in the
    next write, before it could turn back an operation that is held.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class PatientDriver(LinuxDriver):
    """``LinuxDriver`` with such a file, and with an ear for bytes that are no UTF-8.

    Textual's own input thread would be ended by the first key of a terminal in Latin-1, and the application with it;
    and it looks ten times a second only whether a lone Escape is all that there is.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if self._file is not None:
            self._file = PatientFile(self._file)  # type: ignore[assignment]  # all that its thread asks of a file

    def run_input_thread(self) -> None:
        """Hand on what the terminal sends until the application ends; a byte that is no text is an unknown key."""
        terminal = select.poll()
        terminal.register(self.fileno, select.POLLIN)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        parser = XTermParser(self._debug)
        patience_s = _IDLE_S
        while not self.exit_event.is_set():
            text = ""
            if terminal.poll(patience_s * 1000):
                try:
                    sent = os.read(self.fileno, _MOST)
                except OSError:
                    sent = b""
                if not sent:  # it has hung up: what ends then is not for this thread to say, but nothing more comes
                    break
                text = decoder.decode(sent)
            patience_s = constants.ESCAPE_DELAY if text else _IDLE_S
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)
        with contextlib.suppress(EOFError, ParseError):
            list(parser.feed(""))
