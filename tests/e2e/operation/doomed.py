"""A workbench that kills itself, CRIU or both at a given point of an operation.

Arguments: ``dump PID IMAGES LOCK`` or ``restore - IMAGES LOCK``, then POINT (``post-dump:arrived``,
``post-dump:answering`` or ``post-dump:answered``; or ``log:TEXT``, as soon as CRIU's log has it) and VICTIM
(``workbench``, ``criu`` or ``both``).
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from workbench.criu.rpc import Notification
from workbench.operation import machine as m
from workbench.operation.conversation import Conversation
from workbench.operation.dump import DumpOperation
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.request import DumpRequest, LockMethod, RestoreRequest
from workbench.operation.restore import RestoreOperation


class Doom:
    """Mixed into an operation."""

    point: str
    victim: str
    last = ""
    criu: Conversation

    def _prepare(self, images: int) -> None:
        super()._prepare(images)  # type: ignore[misc]
        if self.point.startswith("log:"):
            threading.Thread(target=self._lie_in_wait, daemon=True).start()

    def _lie_in_wait(self) -> None:
        log = Path(self._image_path, f"{self.plan.kind}.log")  # type: ignore[attr-defined]
        text = self.point.removeprefix("log:")
        while not (log.exists() and text in log.read_text(errors="replace")):
            pass
        Doom.last, Doom.point = "log", "log:now"
        Doom.strike("now")

    @classmethod
    def strike(cls, moment: str) -> None:
        if f"{Doom.last}:{moment}" == Doom.point:
            if Doom.victim in {"criu", "both"}:
                Doom.criu.kill()
            if Doom.victim in {"workbench", "both"}:
                os.kill(os.getpid(), signal.SIGKILL)

    def _performed(self, command: m.Command) -> Any:
        if isinstance(command, m.Answer):
            self.strike("answering")
        event = super()._performed(command)  # type: ignore[misc]
        if isinstance(command, m.Answer):
            self.strike("answered")
        return event


class DoomedConversation(Conversation):
    """Strikes when a notification arrives."""

    def start(self, criu: str, netns_path: str | None) -> int:
        Doom.criu = self
        return super().start(criu, netns_path)

    def notified(self, notification: Notification) -> bool:
        Doom.last = notification.name
        Doom.strike("arrived")
        return super().notified(notification)


class DoomedDump(Doom, DumpOperation):
    speaks = DoomedConversation


class DoomedRestore(Doom, RestoreOperation):
    speaks = DoomedConversation


def main() -> None:
    kind, pid, images, lock, Doom.point, Doom.victim = sys.argv[1:]
    operation: DumpOperation | RestoreOperation
    if kind == "dump":
        operation = DoomedDump(prepare_dump(DumpRequest(int(pid), images, lock=LockMethod(lock))))
    else:
        operation = DoomedRestore(prepare_restore(RestoreRequest(images)))
    operation.start(lambda progress: None)
    done = operation.wait()
    sys.stdout.write(f"{done.outcome}: {done.error}\n")


if __name__ == "__main__":
    main()
