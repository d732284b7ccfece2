"""One connection of a lab program: both streams over a non-blocking socket, at a bounded pace."""

import errno
import select
import socket
import time

from workbench.lab.programs.record import SIZE
from workbench.lab.programs.stream import Incoming, Outgoing

CHUNK = 4096
"""Bytes made or read at a time where the pace sets no bound."""
LONGEST_CREDIT_S = 0.25
"""Pace that was not used, by a program that stood still for long, is lost: no burst follows."""
LATER = frozenset({errno.EAGAIN, errno.EINTR, errno.EPERM, errno.EINVAL})
"""No end of the connection: EPERM and EINVAL are what a socket in repair mode answers (net/ipv4/tcp.c)."""


class Pace:
    """Bytes a second that may pass in one direction; None for as many as the socket takes."""

    def __init__(self, rate: int | None, unit: int = SIZE) -> None:
        """``unit``: bytes that pass together or not at all."""
        self._rate, self._unit = rate, unit
        self._credit = 0.0

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        if self._rate is not None:
            ceiling = max(self._rate * LONGEST_CREDIT_S, self._unit)
            self._credit = min(self._credit + self._rate * seconds, ceiling)

    @property
    def allowed(self) -> int:
        """Bytes that may pass now."""
        return max(CHUNK, self._unit) if self._rate is None else int(self._credit)

    def use(self, count: int) -> None:
        """``count`` bytes have passed."""
        if self._rate is not None:
            self._credit -= count


class Conversation:
    """Sends its own stream and verifies the other end's until the connection ends."""

    def __init__(
        self, connection: socket.socket, name: str, peer: str, *, writes: int | None, reads: int | None,
        unit: int = SIZE,
    ) -> None:  # fmt: skip
        connection.setblocking(False)
        self._socket = connection
        self.incoming, self.outgoing = Incoming(peer, unit), Outgoing(name, unit)
        self._unit, self._chunk = unit, max(CHUNK, unit)
        self._writing, self._reading = Pace(writes, unit), Pace(reads, unit)
        self._later = self._shut_down = False
        self.local: tuple[str, int] = connection.getsockname()[:2]
        """Address and port of this end."""
        self.ended = ""
        """Name of the errno that ended the connection, or ``EOF``; empty while it lives."""
        self._arrived = time.monotonic()
        self._longest_gap = 0.0

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def longest_gap_s(self) -> float:
        """The longest time without a byte from the other end, the one that still lasts included."""
        return max(self._longest_gap, time.monotonic() - self._arrived)

    def forget_gap(self) -> None:
        """Measure the longest gap from now on."""
        self._arrived, self._longest_gap = time.monotonic(), 0.0

    def tick(self, seconds: float) -> None:
        """Let time pass: the pace allows more, and what the socket refused is tried again."""
        self._later = False
        self._writing.tick(seconds)
        self._reading.tick(seconds)

    def wanted(self) -> int:
        """Events to poll(2) for; 0 for none until the next tick."""
        if self.ended or self._later:
            return 0
        writable = not self._shut_down and (self.outgoing.pending or self._writing.allowed >= self._unit)
        return (select.POLLIN if self._reading.allowed > 0 else 0) | (select.POLLOUT if writable else 0)

    def ready(self, events: int) -> None:
        """Act on what poll(2) said."""
        try:
            if events & ~select.POLLOUT and self._reading.allowed > 0:
                self._receive()
            if events & select.POLLOUT and not self.ended:
                self._send()
        except OSError as error:
            if error.errno in LATER:
                self._later = error.errno != errno.EAGAIN
            else:
                self.ended = errno.errorcode.get(error.errno or 0, str(error))

    def _receive(self) -> None:
        data = self._socket.recv(min(self._reading.allowed, self._chunk))
        if not data:
            self.ended = "EOF"
            return
        self._reading.use(len(data))
        now = time.monotonic()
        self._longest_gap = max(self._longest_gap, now - self._arrived)
        self._arrived = now
        self.incoming.feed(data)

    def _send(self) -> None:
        if not self.outgoing.pending:
            records = min(self._writing.allowed, self._chunk) // self._unit
            self.outgoing.make(records, self.incoming)
            self._writing.use(records * self._unit)
        self.outgoing.took(self._socket.send(self.outgoing.pending))

    def write_at(self, rate: int) -> None:
        """From now on write so many bytes a second."""
        self._writing = Pace(rate)

    def shut_down(self) -> None:
        """Send no more."""
        if not self._shut_down and not self.ended:
            self._shut_down = True
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End it."""
        self.ended = self.ended or "EOF"
        self._socket.close()
