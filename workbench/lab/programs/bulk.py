"""A bulk stream between a client and one owner after the other, each of which takes the connection over a unix socket.

Both ends write ``RATE`` and check every byte of what they get: blocks of 4096 bytes that begin with their own number.
"""

import contextlib
import json
import os
import select
import socket
import struct
import time
from pathlib import Path
from typing import NoReturn

from workbench.repair import listen, receive

BLOCK = 4096
FILLING = bytes(range(256)) * 16
RATE = 8_000_000
"""Bytes a second that each end writes."""
DEADLINE_S = 60.0
PLACE = struct.Struct("!QQ")
"""Bytes received and sent so far: what one owner tells the next one."""


def stream(start: int, length: int) -> bytes:
    """Bytes of the stream from a place on: blocks that begin with their own number."""
    first = start // BLOCK
    blocks = range(first, (start + length - 1) // BLOCK + 1)
    whole = b"".join(number.to_bytes(8, "big") + FILLING[8:] for number in blocks)
    return whole[start - first * BLOCK :][:length]


class End:
    """One end of the stream: what it has sent and checked so far."""

    def __init__(self, sock: socket.socket, received: int = 0, sent: int = 0) -> None:
        self.sock = sock
        self.received, self.sent = received, sent
        self.wrong: int | None = None
        self.ended = ""
        self.last = time.monotonic()
        self.gap = 0.0
        self._paced, self._since = sent, time.monotonic()
        sock.setblocking(False)

    def turn(self, others: list[int]) -> list[int]:
        """Wait a little, read and write what can be; which of the others are ready."""
        due = self._paced + RATE * (time.monotonic() - self._since) > self.sent
        own = self.sock.fileno()
        readable, writable, _ = select.select([own, *others], [own] if due else [], [], 0.005)
        if own in readable:
            self._read()
        if own in writable and not self.ended:
            self._write()
        return [each for each in readable if each != own]

    def _read(self) -> None:
        try:
            content = self.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            self.ended = type(error).__name__
            return
        if not content:
            self.ended = "EOF"
            return
        if content != stream(self.received, len(content)) and self.wrong is None:
            self.wrong = self.received
        self.received += len(content)
        now = time.monotonic()
        self.gap, self.last = max(self.gap, now - self.last), now

    def _write(self) -> None:
        try:
            self.sent += self.sock.send(stream(self.sent, 1 << 16))
        except BlockingIOError:
            return
        except OSError as error:
            self.ended = type(error).__name__


def own(path: Path, first: socket.socket | None, before: int, after: int) -> NoReturn:
    """An owner: takes the connection, goes on where the other one was, and tells where it was when it is gone."""
    listener = listen(path)
    end = End(first) if first else None
    while True:
        if end is None:
            channel, _ = listener.accept()
            with channel, contextlib.suppress(ConnectionError):
                taken = receive(channel)
                # The other owner finds the end of its stream now, and tells how far it had come.
                end = End(taken, *PLACE.unpack(os.read(before, PLACE.size)))
            continue
        end.turn([])
        if end.wrong is not None:
            os._exit(3)
        if end.ended:
            end.sock.close()
            os.write(after, PLACE.pack(end.received, end.sent))
            end = None


def client(control: socket.socket, server: tuple[str, int]) -> NoReturn:
    """The peer: answers each message with how it stands, and forgets its longest gap."""
    end = End(socket.create_connection(server, timeout=DEADLINE_S))
    while True:
        if end.turn([control.fileno()]):
            if not control.recv(16):
                os._exit(0)
            row = {"received": end.received, "sent": end.sent, "wrong": end.wrong, "ended": end.ended, "gap": end.gap}
            control.send(json.dumps(row).encode())
            end.gap = 0.0
