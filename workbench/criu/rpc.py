"""CRIU's RPC: one ``criu swrk`` process, one request, and notifications answered one by one.

pycriu's own client reads exactly one answer and so takes the first notification for it; its message classes
(``rpc_pb2``) are used here. Source: criu/cr-service.c, images/rpc.proto.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from workbench.errors import WorkbenchError

ANSWER_BYTES = 1 << 20
NAMES = {"dump": "DUMP", "restore": "RESTORE", "version": "VERSION"}


class CriuGone(Exception):
    """CRIU ended, or closed its socket, before it answered; ``status`` is its exit status, negative for a signal."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"criu ended with status {status} before it answered")
        self.status = status


@dataclass(frozen=True, slots=True)
class Notification:
    """One point in a dump or restore at which CRIU waits for an answer (criu/action-scripts.c)."""

    name: str
    """``pre-dump``, ``query-ext-files``, ``post-dump``, ``pre-restore``, ``post-restore``, ``pre-resume``, ..."""
    pid: int | None
    """Root task, given only with ``setup-namespaces`` and ``post-restore``; in the pid namespace of CRIU."""


@dataclass(frozen=True, slots=True)
class Response:
    """CRIU's answer to a request."""

    success: bool
    pid: int | None
    """Root task of a restore; None unless it is a pid (a failed restore answers -1)."""
    errno: int
    message: str
    """The first error line of the log, also on success: show it only after a failure. Hostile."""


def _messages() -> Any:
    try:
        from pycriu import rpc_pb2
    except ImportError as error:
        raise WorkbenchError("pycriu, which belongs to CRIU, cannot be imported", "run `make setup`") from error
    return rpc_pb2


class Swrk:
    """A ``criu swrk`` process, entered into the network namespace at ``netns_path`` if one is given.

    It stays in the mount namespace of the caller (``ip netns exec`` would not, and CRIU would fail). Use it as a
    context manager: at the end its socket is closed, which makes a CRIU that still waits undo what it can, and
    it is reaped.
    """

    def __init__(self, criu: str, netns_path: str | None = None) -> None:
        self._rpc = _messages()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [criu, "swrk", str(theirs.fileno())]
            if netns_path is not None:
                command = ["nsenter", f"--net={netns_path}", *command]
            try:
                self._process = subprocess.Popen(
                    command,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C in the terminal is answered by us, not by CRIU dying
                )
            except OSError as error:
                ours.close()
                hint = "run `make setup`" if isinstance(error, FileNotFoundError) else ""
                raise WorkbenchError(f"cannot start {command[0]}: {error.strerror}", hint) from error
        self._socket = ours
        self._pidfd = os.pidfd_open(self._process.pid)

    @property
    def pid(self) -> int:
        """Its pid: nsenter replaces itself by CRIU, so that this is CRIU's own."""
        return self._process.pid

    def request(self, kind: str, options: Mapping[str, object], answer: Callable[[Notification], bool]) -> Response:
        """Send a ``dump`` or ``restore`` with the fields of ``criu_opts`` in ``options`` and see it through.

        ``answer`` is called for each notification and may block as long as it likes: CRIU waits for it. False
        makes CRIU fail the operation. Raises CriuGone if CRIU dies before it answers.
        """
        request = self._rpc.criu_req()
        request.type = getattr(self._rpc, NAMES[kind])
        if kind != "version":
            request.opts.notify_scripts = True
            _fill(request.opts, options)
        self._send(request)
        while True:
            response = self._receive()
            if response.type != self._rpc.NOTIFY:
                return _response(response, kind)
            pid = response.notify.pid
            accepted = answer(Notification(response.notify.script, pid if pid > 1 else None))
            reply = self._rpc.criu_req()
            reply.type = self._rpc.NOTIFY
            reply.notify_success = accepted
            self._send(reply)

    def kill(self) -> None:
        """End CRIU at once, if it was not reaped yet; what it leaves behind is for ``recover``."""
        if self._pidfd < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Close the socket and wait until CRIU has ended."""
        self._socket.close()
        self._process.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def _send(self, message: Any) -> None:
        try:
            self._socket.send(message.SerializeToString())
        except (BrokenPipeError, ConnectionResetError) as error:
            raise CriuGone(self._process.wait()) from error

    def _receive(self) -> Any:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(ANSWER_BYTES, socket.CMSG_SPACE(64))
        except ConnectionResetError as error:
            raise CriuGone(self._process.wait()) from error
        for _level, _kind, payload in ancillary:
            # orphan-pts-master carries a descriptor that nobody here needs
            for start in range(0, len(payload) // 4 * 4, 4):
                os.close(int.from_bytes(payload[start : start + 4], sys.byteorder))
        if not data:
            raise CriuGone(self._process.wait())
        response = self._rpc.criu_resp()
        response.ParseFromString(data)
        return response

    def __enter__(self) -> "Swrk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _fill(target: Any, options: Mapping[str, object]) -> None:
    """Set fields of a protobuf message by name; sequences extend repeated fields, enumerations go by their name."""
    for name, value in options.items():
        field = target.DESCRIPTOR.fields_by_name[name]
        if isinstance(value, (list, tuple)):
            getattr(target, name).extend(value)
        elif field.enum_type is not None and isinstance(value, str):
            setattr(target, name, field.enum_type.values_by_name[value].number)
        else:
            setattr(target, name, value)


def _response(message: Any, kind: str) -> Response:
    pid = message.restore.pid if kind == "restore" and message.HasField("restore") else 0
    return Response(bool(message.success), pid if pid > 1 else None, message.cr_errno, message.cr_errmsg)
