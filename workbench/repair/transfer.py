"""One connection passed to another process over a unix socket: the protocol, both sides of it.

SOCK_SEQPACKET, one JSON object a message, in this order (docs/handoff.md has it for other languages):

=========  ==================================================  ====================================================
giver      ``{"handoff": 1, "connection": [...], "state": …}``  an offer; nothing is touched yet
recipient  ``{"accept": true}`` or ``false`` with ``reason``
giver      ``{"socket": true}`` and one descriptor              in repair mode: it must not be used yet
recipient  ``{"taken": true}``
giver      ``{"go": true}``                                     repair mode is off, the connection is the recipient's
=========  ==================================================  ====================================================

A recipient that finds the channel closed instead of ``go`` keeps the socket and asks it: repair mode goes off when
the giver, or whoever puts right what it left, has decided. The socket is connected then, or was taken back.
"""

import json
import os
import select
import socket
import stat
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, TcpState
from workbench.repair import constants as c

VERSION = 1
LARGEST_MESSAGE = 4096
_CREDENTIALS = struct.Struct("=3i")  # struct ucred: pid, uid, gid
_POLL_S = 0.02


@dataclass
class Recipient:
    """The giver's view of the process that a connection goes to; close it."""

    channel: socket.socket
    pid: int
    """Of the process that listens; 0 if it lives in a pid namespace that we do not see."""

    @classmethod
    def at(cls, path: str) -> "Recipient":
        """Reach the process that waits at a unix socket. Raises WorkbenchError."""
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            channel.connect(path)
        except OSError as error:
            channel.close()
            reason = error.strerror or str(error)
            raise WorkbenchError(
                f"Nobody takes connections at {path}: {reason}", "start the recipient first"
            ) from error
        raw = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return cls(channel, int(_CREDENTIALS.unpack(raw)[0]))

    def offer(self, connection: Connection, state: TcpState, timeout: float) -> None:
        """Ask whether it takes a connection. Raises WorkbenchError with its reason if it does not."""
        ends = (connection.local.address, connection.local.port, connection.peer.address, connection.peer.port)
        self._send({"handoff": VERSION, "connection": ends, "state": state.name})
        answer = self._answer(timeout)
        if answer.get("accept") is not True:
            raise WorkbenchError(f"The recipient refuses: {answer.get('reason') or 'it gives no reason'}")

    def send(self, sock: socket.socket, timeout: float) -> None:
        """Pass the restored socket and wait until it is taken. Raises WorkbenchError."""
        try:
            socket.send_fds(self.channel, [json.dumps({"socket": True}).encode()], [sock.fileno()])
        except OSError as error:
            raise WorkbenchError(f"The recipient is gone: {error.strerror}") from error
        if self._answer(timeout).get("taken") is not True:
            raise WorkbenchError("The recipient did not take the socket")

    def refuse_if_gone(self) -> None:
        """Raises WorkbenchError if it has ended since."""
        if select.select([self.channel], [], [], 0)[0]:
            raise WorkbenchError("The recipient took the socket and ended")

    def go(self) -> None:
        """Tell it that the connection is its own; it finds that out by itself if this does not reach it."""
        try:
            self._send({"go": True})
        except WorkbenchError:
            return

    def close(self) -> None:
        self.channel.close()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self.channel.send(json.dumps(message).encode())
        except OSError as error:
            raise WorkbenchError(f"The recipient is gone: {error.strerror}") from error

    def _answer(self, timeout: float) -> dict[str, Any]:
        self.channel.settimeout(timeout)
        try:
            data = self.channel.recv(LARGEST_MESSAGE)
            answer = json.loads(data) if data else None
        except (OSError, ValueError) as error:
            reason = "it did not answer in time" if isinstance(error, TimeoutError) else str(error)
            raise WorkbenchError(f"The recipient cannot be spoken with: {reason}") from error
        if not isinstance(answer, dict):
            raise WorkbenchError("The recipient closed the channel")
        return answer


def take(path: str | Path, timeout: float | None = None) -> socket.socket:
    """Wait at a unix socket for one connection and return it; needs no privilege at all.

    The path is made, for its owner alone, and gone afterwards. ``timeout``: seconds until somebody comes
    (TimeoutError). Raises ConnectionAbortedError if the connection was offered and then taken back.
    """
    with listen(path) as listener:
        try:
            listener.settimeout(timeout)
            channel, _ = listener.accept()
        finally:
            Path(path).unlink(missing_ok=True)
    with channel:
        channel.settimeout(None)
        return receive(channel)


def listen(path: str | Path) -> socket.socket:
    """The listening socket for ``take``'s like: accept on it, and call ``receive`` for each channel."""
    place = Path(path)
    if place.exists() and stat.S_ISSOCK(place.stat().st_mode):
        place.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen()
    return listener


def receive(channel: socket.socket) -> socket.socket:
    """The recipient's part on an open channel: the connection, ready to use, as a socket that blocks.

    Raises ConnectionError.
    """
    offer = _message(channel.recv(LARGEST_MESSAGE))
    if offer.get("handoff") != VERSION:
        channel.send(json.dumps({"accept": False, "reason": f"only version {VERSION} is known"}).encode())
        raise ConnectionError("the other side speaks another version of the protocol")
    channel.send(b'{"accept": true}')
    data, descriptors, _, _ = socket.recv_fds(channel, LARGEST_MESSAGE, 1)
    if not descriptors:
        _message(data)
        raise ConnectionAbortedError("no socket came")
    taken = socket.socket(fileno=descriptors[0])
    try:
        channel.send(b'{"taken": true}')
        channel.recv(LARGEST_MESSAGE)
    except OSError:  # the giver is gone, and the socket tells what became of it
        pass
    return _decided(taken)


def _decided(taken: socket.socket) -> socket.socket:
    while taken.getsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR):
        time.sleep(_POLL_S)  # nothing tells of it
    if taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TcpState.CLOSE:
        taken.close()
        raise ConnectionAbortedError("the connection was taken back")
    taken.setblocking(True)  # O_NONBLOCK of the old owner has come along
    return taken


def _message(data: bytes) -> dict[str, Any]:
    try:
        message = json.loads(data)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise ConnectionAbortedError("the other side closed the channel")
    return message
