"""One connection in a situation, with CRIU and readers at hand."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from workbench.collect.sequences import SequenceReader
from workbench.criu.rpc import Notification, Response, Swrk
from workbench.evidence import Gap, Sequences
from workbench.repair.borrow import borrow
from workbench.repair.read import read_stopped
from workbench.repair.record import ReadSocket

SYSTEM_PYTHON = Path("/usr/bin/python3")
PYTHON = str(SYSTEM_PYTHON) if SYSTEM_PYTHON.exists() else sys.executable
"""The distribution's own has fewer libraries to dump, and recordings do not tell where this tree lies."""
PROGRAM = Path(__file__).with_name("both_ends.py")
DEADLINE_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


class BothEnds:
    """A connection whose one end (``pid``, ``fd``) can be stopped and dumped, and whose peer takes orders."""

    def __init__(self, family: str, situation: str) -> None:
        self._peer = subprocess.Popen(
            [PYTHON, "-S", "-E", str(PROGRAM), family, situation],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._peer.stdout is not None
        first = self._peer.stdout.readline().split()
        self.pid, self.fd, self.written = map(int, first)
        assert self.pid > 1
        self._pidfds = [os.pidfd_open(self.pid)]
        self.reader = SequenceReader()
        self.inode = Path(f"/proc/{self.pid}/fd/{self.fd}").stat().st_ino
        with self.borrowed() as sock:
            self.cookie = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)

    @property
    def netns_path(self) -> str:
        return f"/proc/{self._peer.pid}/ns/net"

    @property
    def netns(self) -> int:
        return Path(self.netns_path).stat().st_ino

    def order(self, words: str) -> str:
        """Let the peer do something and return its answer."""
        assert self._peer.stdin is not None
        assert self._peer.stdout is not None
        self._peer.stdin.write(words + "\n")
        self._peer.stdin.flush()
        return self._peer.stdout.readline().strip()

    def borrowed(self) -> AbstractContextManager[socket.socket]:
        """Our end's socket, shared with its owner."""
        return borrow(self.pid, self.fd, self.inode)

    def sequences(self) -> Sequences:
        """Those of our end now."""
        found = self.reader.read()
        assert not isinstance(found, Gap), found
        return found[self.cookie]

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)
        until(lambda: self._state() == "T")

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)
        until(lambda: self._state() != "T")

    def read(self) -> ReadSocket:
        return read_stopped(((self.pid, self.fd),), self.inode)

    def dump(self, criu: str, images: Path, *, leave_running: bool = False, close: bool = False) -> ReadSocket | None:
        """Dump our end; what was read at the hold when its images were complete, but nothing with --tcp-close."""
        held: list[ReadSocket] = []

        def hold(notification: Notification) -> bool:
            if notification.name == "post-dump" and not close:
                held.append(self.read())
            return True

        policy = "tcp_close" if close else "tcp_established"
        options = {"pid": self.pid, "log_file": "dump.log", "network_lock": "NFTABLES", policy: True}
        response = self._request(criu, "dump", images, options | {"leave_running": leave_running}, hold)
        assert response.success, (images / "dump.log").read_text(errors="replace")[-2000:]
        if not leave_running:
            until(lambda: not Path(f"/proc/{self.pid}").exists())
        return held[0] if held else None

    def restore(self, criu: str, images: Path) -> ReadSocket:
        """Restore our end; what was read at the hold before the network was unlocked."""
        held: list[ReadSocket] = []

        def hold(notification: Notification) -> bool:
            if notification.name == "post-restore":
                assert notification.pid == self.pid
                self._pidfds.append(os.pidfd_open(self.pid))
                self.inode = Path(f"/proc/{self.pid}/fd/{self.fd}").stat().st_ino
                held.append(self.read())
                self.cookie = held[0].cookie
            return True

        options = {"tcp_established": True, "log_file": "restore.log"}
        response = self._request(criu, "restore", images, options, hold)
        assert response.success, (images / "restore.log").read_text(errors="replace")[-2000:]
        return held[0]

    def close(self) -> None:
        """End both ends; the namespace, and any lock in it, goes with them."""
        for pidfd in self._pidfds:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
        self._peer.communicate()
        self.reader.close()

    def _request(
        self, criu: str, kind: str, images: Path, options: dict[str, object], hold: Callable[[Notification], bool]
    ) -> Response:
        directory = os.open(images, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with Swrk(criu, self.netns_path) as swrk:
                return swrk.request(kind, {"images_dir_fd": directory, "log_level": 4, **options}, hold)
        finally:
            os.close(directory)

    def _signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._pidfds[-1], number)

    def _state(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
