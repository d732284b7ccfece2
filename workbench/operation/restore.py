"""A restore, run and proved."""

import os
import time
from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, ImageDirectory
from workbench.operation import machine as m
from workbench.operation.executor import Executor
from workbench.operation.keeper_beside import KeeperBeside
from workbench.operation.note import Note, read_note
from workbench.operation.plan import Plan
from workbench.operation.progress import End
from workbench.operation.proving import Patience, read_held, watch
from workbench.operation.request import RestoreRequest
from workbench.operation.task import REAPED_S, await_reaped, stat_of
from workbench.read.criu_images import read_image_directory
from workbench.repair.record import ReadSocket


class RestoreOperation(Executor):
    """Restore what ``plan_restore`` planned; see ``operation.runner.Operation``.

    The restored processes become children of pid 1 (or of the nearest subreaper), not of the workbench: they live on
    when it ends.
    """

    knows_keepers = True
    """A keeper of these images is looked for."""

    def __init__(self, plan: Plan) -> None:
        assert isinstance(plan.request, RestoreRequest)
        assert plan.image is not None
        self.request: RestoreRequest = plan.request
        self.image: ImageDirectory = plan.image
        super().__init__(plan)
        self._note: Note | None = read_note(plan.image.path)
        self._held: dict[Connection, ReadSocket | Gap] = {}

    def _initial_state(self) -> m.State:
        return m.State("restore", self.request.holds)

    def _facts(self) -> dict[str, Any]:
        return {
            "run_id": self.image.run_id or "",
            "tasks": [(task.pid, None) for task in self.image.tasks],
            "commands": sorted({task.command for task in self.image.tasks}),
            "uptime_ticks": _now_ticks(),
        }

    def _prepare(self, images: int) -> None:
        self._sampler.run_id = self.image.run_id or ""
        left = await_reaped([task.pid for task in self.image.tasks], REAPED_S)
        if left:
            zombie = stat_of(left[0])
            if zombie is not None and zombie.state == "Z":
                raise WorkbenchError(f"Pid {left[0]} is still a zombie", f"its parent {zombie.ppid} must reap it first")
            raise WorkbenchError(f"Pid {left[0]} is taken by now", "make a new plan")

    def _seen_before(self) -> dict[Connection, End]:
        """What the images say: before the restore there is nothing else."""
        return {each.connection: End(None, each.sequences) for each in self.image.sockets}

    def _options(self) -> dict[str, object]:
        return dict(self.plan.options)

    def _start_criu(self) -> m.Event | None:
        """The peers are answered before: what they send meanwhile is played to the restored sockets."""
        if self.knows_keepers and self.plan.connections:
            self._keeper = KeeperBeside(self._image_path, self.request.netns)
            if self.request.keep_peer:
                self._keeper.begin()
                self._keeper.await_begun()
        return super()._start_criu()

    def _perform(self, command: m.Command) -> m.Event | None:
        match command:
            case m.ReadSockets():
                self._look()
                self._held = self._read_held()
            case m.Prove():
                return self._prove()
        return None

    def _read_held(self) -> dict[Connection, ReadSocket | Gap]:
        return read_held(self._sample, {each.connection: each.holders for each in self.image.sockets})

    def _prove(self) -> m.Event:
        options = self._note.socket_options if self._note else {}
        kept = set(self.plan.connections)
        sockets = [each for each in self.image.sockets if each.connection in kept]
        patience = Patience()
        while True:
            self._look()
            self._board.proofs = proofs = watch(sockets, self._held, self._sample, options)
            self._board.show(self._state)
            if patience.is_over(proofs, self._sample):
                break
            time.sleep(patience.pause_s)
        try:
            self._board.restore_stats = read_image_directory(self.image.path).restore_stats
        except WorkbenchError:
            self._board.restore_stats = None
        return m.Proved(all(each.verdict == "continued" for each in proofs))


def _now_ticks() -> int:
    """Clock ticks since boot, comparable with the start time of a process."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
