"""Speaking with the CRIU that an engine runs: it calls us back at each of its stages and waits for the answer.

Engines keep CRIU's RPC to themselves. CRIU's action scripts (criu/action-scripts.c) run at the same stages as its
notifications: the script asks us over a socket, and fails if we are gone, which makes CRIU undo what it did, as it does
when the other end of its RPC goes.
"""

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbench.collect.identity import is_gone, own_name
from workbench.criu.rpc import Notification
from workbench.errors import WorkbenchError
from workbench.operation import machine as m
from workbench.operation.conversation import Conversation
from workbench.operation.task import await_session_end

PREFIX = "workbench-engine-"
"""Directories in which the scripts lie; pid and start time of the workbench follow."""
_LOCKING = "network-lock"
"""Stage of a dump at which all tasks stand still and nothing is locked yet, as at ``query-ext-files``."""
_TELLING = {"setup-namespaces", "post-restore"}
"""Stages at which CRIU's own notifications tell the root task of a restore."""
UNDOES_S = 10.0
_LARGEST = 4096
_WAITER = (
    "import os, sys\n"
    "if not os.read(0, 1): sys.exit(1)\n"
    "os.dup2(os.open(os.devnull, os.O_RDWR), 0)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)
"""Becomes the engine when it is told to: its pid is in the journal by then."""
_SCRIPT = """\
#!/bin/sh
exec "$WORKBENCH_PYTHON" -I -S "$WORKBENCH_ENGINE/ask.py"
"""
_ASK = """\
import os, socket, sys
end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    end.connect(os.environ["WORKBENCH_ENGINE"] + "/socket")
    words = os.environ["CRTOOLS_SCRIPT_ACTION"], os.environ.get("CRTOOLS_INIT_PID", "0")
    end.send(" ".join(words).encode())
    sys.exit(end.recv(16) != b"yes")
except OSError:
    sys.exit(1)
"""


def remove_abandoned() -> None:
    """Remove the directories of every workbench that is gone."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if is_gone(place.name.removeprefix(PREFIX).rpartition("-")[0]):
            shutil.rmtree(place, ignore_errors=True)


class EngineConversation(Conversation):
    """One dump or restore by an engine; see ``Conversation``."""

    def __init__(
        self,
        kind: str,
        images: int,
        log: str,
        put: Callable[[m.Event | None], None],
        *,
        command: Sequence[str],
        settings: Sequence[str],
        links: Mapping[Path, Path],
    ) -> None:
        """``command``: the engine's, argument by argument; ``settings``: lines of CRIU's configuration file.

        ``links``: symbolic links that stand while it works.
        """
        super().__init__(kind, images, log, put)
        self._links = links
        self._command, self._settings = tuple(command), tuple(settings)
        self._engine: subprocess.Popen[bytes] | None = None
        self._asked: socket.socket | None = None
        self._place = ""
        self._spoken = False

    def start(self, criu: str, netns_path: str | None) -> int:
        """Start what will become the engine and return its pid. Raises WorkbenchError."""
        del netns_path  # the engine knows where its container lives
        try:
            remove_abandoned()
            self._place = tempfile.mkdtemp(prefix=f"{PREFIX}{own_name()}-")
            self._asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._asked.bind(f"{self._place}/socket")
            self._asked.listen()
            for name, text, mode in (("ask", _SCRIPT, 0o700), ("ask.py", _ASK, 0o600)):
                Path(self._place, name).write_text(text)
                Path(self._place, name).chmod(mode)
            lines = [*self._settings, f"action-script {self._place}/ask"]
            Path(self._place, "criu.conf").write_text("\n".join((*lines, "")))
            self._write_criu(criu)
            self._remove_links()
            for link, target in self._links.items():
                link.symlink_to(target)
            is_runc = Path(self._command[0]).name == "runc"
            log = ("--log", f"{self._place}/engine.log", "--log-format", "json") if is_runc else ()
            with Path(self._place, "engine.err").open("wb") as told:
                self._engine = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _WAITER, self._command[0], *log, *self._command[1:]],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=told,
                    env=self._environment(),
                    start_new_session=True,  # Ctrl-C in the terminal is answered by us, not by the engine dying
                )
        except OSError as error:
            raise WorkbenchError(f"cannot start {self._command[0]}: {error.strerror}") from error
        self._pidfd = os.pidfd_open(self._engine.pid)
        return self._engine.pid

    def _write_criu(self, criu: str) -> None:
        """What the engine finds as ``criu``: podman passes nothing on but PATH."""
        known = {
            "CRIU_CONFIG_FILE": f"{self._place}/criu.conf",
            "WORKBENCH_ENGINE": self._place,
            "WORKBENCH_PYTHON": sys.executable,
        }
        lines = [f"export {name}={shlex.quote(value)}" for name, value in known.items()]
        place = Path(self._place, "bin", "criu")
        place.parent.mkdir()
        place.write_text("\n".join(("#!/bin/sh", *lines, f'exec {shlex.quote(criu)} "$@"', "")))
        place.chmod(0o700)

    def _environment(self) -> dict[str, str]:
        """Engines look for ``criu`` on PATH."""
        return {**os.environ, "PATH": f"{self._place}/bin:{os.environ.get('PATH', os.defpath)}"}

    def _remove_links(self) -> None:
        for name in self._links:
            if name.is_symlink():
                name.unlink()

    @property
    def pid(self) -> int | None:
        """The engine's."""
        return None if self._engine is None else self._engine.pid

    def has_died(self) -> bool:
        """Whether the engine ended while it waited."""
        return self._engine is not None and self.waiting and bool(select.select([self._pidfd], [], [], 0)[0])

    def kill(self) -> None:
        """End the engine at once; what it leaves behind is for ``recover``."""
        if self._engine is not None and self._engine.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        super().close()
        if self._engine is not None:
            if not self._spoken and self._engine.stdin:
                self._engine.stdin.close()  # it was never told to begin
            self._engine.wait()
            os.close(self._pidfd)
        self._close_asked()
        if self._place:
            with contextlib.suppress(OSError):
                self._remove_links()
            shutil.rmtree(self._place, ignore_errors=True)

    def _close_asked(self) -> None:
        """From now on whoever asks is refused."""
        if self._asked is not None:
            self._asked.close()

    def _speak(self, options: Mapping[str, object]) -> None:
        del options  # they are arguments of the engine, and lines of the configuration file
        assert self._engine is not None
        assert self._engine.stdin is not None
        self._spoken = True
        with contextlib.suppress(BrokenPipeError), self._engine.stdin as begin:
            begin.write(b"\n")
        self._serve()
        status = self._engine.wait()
        if status < 0:
            self._close_asked()
            if self._kind == "dump":  # what podman had begun undoes what it did, since nobody answers it
                await_session_end(self._engine.pid, UNDOES_S)
            self._put(m.CriuDied(f"{self._command[0]} ended by signal {-status} before it was done."))
        else:
            self._put(m.Answered(status == 0, "" if status == 0 else self._reason()))

    def _serve(self) -> None:
        """Answer each stage until the engine has ended."""
        assert self._asked is not None
        poll = select.poll()
        for descriptor in (self._asked.fileno(), self._pidfd):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._asked.fileno() in ready:
                self._answer_one()
            elif self._pidfd in ready:
                return

    def _answer_one(self) -> None:
        assert self._asked is not None
        caller, _ = self._asked.accept()
        with caller, contextlib.suppress(OSError, ValueError):  # CRIU was killed while its script asked
            name, pid = caller.recv(_LARGEST).decode().split()
            if name == _LOCKING and self._kind == "dump":
                name = m.FROZEN
            accept = self.notified(Notification(name, int(pid) if name in _TELLING else None))
            caller.send(b"yes" if accept else b"no")

    def _reason(self) -> str:
        """What the engine said last."""
        said = ""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            for line in Path(self._place, "engine.log").read_text(errors="replace").splitlines():
                said = str(json.loads(line).get("msg", "")).splitlines()[0] or said
        with contextlib.suppress(OSError):
            lines = Path(self._place, "engine.err").read_text(errors="replace").splitlines()
            said = said or next((line for line in reversed(lines) if line.strip()), "").rstrip(".")
        name = Path(self._command[0]).name
        return f"{name} failed: {said}." if said else f"{name} failed."
