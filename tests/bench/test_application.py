"""How soon the first frame stands in a real terminal, and how soon a key is answered while data refresh."""

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

KEYS = 60
HELP, TABLE = b"What is going on", b"NETNS"
"""What is drawn where the help appears, and where it goes."""
PATIENCE_S = 20.0


@contextmanager
def _application() -> Iterator[int]:
    """The application in a terminal of 80x24; yields the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "workbench.main"])
    pidfd = os.pidfd_open(pid)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        yield terminal
    finally:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        os.close(terminal)
        os.waitpid(pid, 0)
        os.close(pidfd)


def _read(terminal: int, seconds: float) -> bytes:
    """What the application writes within ``seconds``; empty if nothing."""
    ready, _, _ = select.select([terminal], [], [], seconds)
    return os.read(terminal, 65536) if ready else b""


def _until(terminal: int, text: bytes) -> float:
    """Seconds until the application has written ``text``."""
    started, seen = time.monotonic(), b""
    while text not in seen:
        assert time.monotonic() - started < PATIENCE_S, seen[-2000:]
        seen = seen[-200:] + _read(terminal, PATIENCE_S)
    return time.monotonic() - started


def test_first_frame_and_keys() -> None:
    with _application() as terminal:
        frame = _until(terminal, b"Conns")  # as a narrow terminal calls the first screen
        answers = []
        for number in range(KEYS):
            key, answer = (b"?", HELP) if number % 2 == 0 else (b"\x1b", TABLE)
            os.write(terminal, key)
            answers.append(_until(terminal, answer) * 1000)
    cuts = statistics.quantiles(answers, n=20)
    sys.stdout.write(f"\nfirst frame {frame:.2f} s; a key is answered within {statistics.median(answers):.0f} ms, ")
    sys.stdout.write(f"19 of 20 within {cuts[-1]:.0f} ms\n")
