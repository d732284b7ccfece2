"""Speaking with CRIU while it works: its notifications become events, and wait until they are answered."""

import os
import queue
import select
import threading
import time
from collections.abc import Callable, Mapping

from workbench.criu.log_follower import LogFollower
from workbench.criu.rpc import CriuGone, Notification, Swrk
from workbench.evidence import LogLine
from workbench.operation import machine as m
from workbench.operation.command_line import LOG_LEVEL

FOLLOW_S = 0.1


class Conversation:
    """One request to CRIU, seen through in a thread of its own; another one follows the log.

    ``put`` is called in these threads: with an event of the machine, or with None when the log has grown.
    """

    def __init__(self, kind: str, images: int, log: str, put: Callable[[m.Event | None], None]) -> None:
        """``images``: the open image directory; ``log``: path of the log in it."""
        self._kind, self._images, self._put = kind, images, put
        self._replies: queue.Queue[bool] = queue.Queue()
        self._criu: Swrk | None = None
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._log = LogFollower(log)
        self.waiting = False
        """CRIU waits for an answer."""
        self.waited: dict[str, float] = {}
        """Seconds that each notification waited for its answer, by its name."""
        self.restored_pid: int | None = None

    def start(self, criu: str, netns_path: str | None) -> int:
        """Start CRIU and return its pid; it does nothing before ``request``. Raises WorkbenchError."""
        self._criu = Swrk(criu, netns_path)
        return self._criu.pid

    @property
    def pid(self) -> int | None:
        """CRIU's own; None before it was started."""
        return None if self._criu is None else self._criu.pid

    def request(self, options: Mapping[str, object]) -> None:
        """Have it begin; what comes of it comes as events."""
        common = {"images_dir_fd": self._images, "log_file": f"{self._kind}.log", "log_level": LOG_LEVEL}
        for name, work in (("criu", lambda: self._speak({**common, **options})), ("criu-log", self._follow)):
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def answer(self, accept: bool) -> None:
        """Answer the notification that waits; without one nothing happens."""
        if self.waiting:
            self.waiting = False
            self._replies.put(accept)

    def has_died(self) -> bool:
        """Whether CRIU ended while it waited: nothing tells before it is answered."""
        if self._criu is None or not self.waiting:
            return False
        try:
            pidfd = os.pidfd_open(self._criu.pid)
        except OSError:
            return True
        try:
            return bool(select.select([pidfd], [], [], 0)[0])
        finally:
            os.close(pidfd)

    def new_lines(self) -> list[LogLine]:
        """What came to the log since the last call."""
        return self._log.new_lines()

    def end(self) -> list[LogLine]:
        """Wait until CRIU has ended, refusing what it still asks, and return the last lines of its log."""
        if self._criu is not None and not self._threads:
            self._criu.close()
        for thread in self._threads[:1]:
            while thread.is_alive():
                self.answer(accept=False)
                thread.join(FOLLOW_S)
        return self._log.last_words()

    def close(self) -> None:
        self.end()
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._log.close()

    def _speak(self, options: Mapping[str, object]) -> None:
        assert self._criu is not None
        try:
            with self._criu as criu:
                response = criu.request(self._kind, options, self.notified)
                self.restored_pid = response.pid or self.restored_pid
            self._put(m.Answered(response.success, "" if response.success else "CRIU failed."))
        except CriuGone as gone:
            status = f"signal {-gone.status}" if gone.status and gone.status < 0 else f"status {gone.status}"
            self._put(m.CriuDied(f"CRIU ended by {status} before it was done."))

    def notified(self, notification: Notification) -> bool:
        """Called for each notification; the answer."""
        self.restored_pid = notification.pid or self.restored_pid
        begun = time.monotonic()
        self.waiting = True
        self._put(m.Notified(notification.name))
        answer = self._replies.get()
        self.waited[notification.name] = time.monotonic() - begun
        return answer

    def kill(self) -> None:
        """End CRIU at once; what it leaves behind is for ``recover``."""
        assert self._criu is not None
        self._criu.kill()

    def _follow(self) -> None:
        while not self._over.is_set():
            if self._log.wait(FOLLOW_S):
                self._put(None)
