"""The restore of a process that came from another host: held until it is handed over."""

import shutil
import threading
from collections.abc import Callable, Sequence
from typing import Any

from workbench.collect import procfs
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, ImageSocket, NetworkNamespace
from workbench.operation import machine as m
from workbench.operation.journal import ENDED, Journal
from workbench.operation.migration.addresses import MovingAddress, announce_all
from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome
from workbench.operation.request import Hold
from workbench.operation.restore import RestoreOperation
from workbench.operation.sampling import Sampler
from workbench.repair.read import read_stopped
from workbench.repair.record import ReadSocket

RESTORED_HERE = "restored here"
TAKEN_OVER = "taken over"
GIVEN_BACK = "given back"
WORD_S = 2.0


class ReceivedRestore(RestoreOperation):
    """Goes on with the journal of the arrival, and waits at ``Hold.RESTORED`` for one of the two words."""

    knows_keepers = False

    def __init__(
        self, plan: Plan, journal: Journal, sampler: Sampler, addresses: Sequence[MovingAddress],
        namespace: NetworkNamespace,
    ) -> None:  # fmt: skip
        """``sampler``: of its connections, warmed up; the peers wait while this runs."""
        super().__init__(plan)
        self._arrival, self._warm, self._addresses, self._home = journal, sampler, addresses, namespace
        self._board.own_hold = Hold.RESTORED
        self._at_hold, self._released = threading.Event(), threading.Event()

    def await_held(self, meanwhile: Callable[[], None]) -> bool:
        """Wait until the process is restored and blocked, False if that failed; ``meanwhile`` is done now and then."""
        while not self._at_hold.wait(WORD_S):
            meanwhile()
        return self._state.held is not None

    def await_release(self) -> bool:
        """Wait until it runs; False if that failed."""
        self._released.wait()
        return self._state.outcome is None or self._state.outcome is not Outcome.FAILED

    def take_over(self) -> None:
        """It is ours: announce its addresses, and let it go."""
        self._arrival.write(TAKEN_OVER)
        announce_all(self._addresses, self._home)
        self.proceed()

    def give_back(self, *, told: bool) -> None:
        """It is not, or nobody knows: the restored processes are ended without a packet. ``told``: by the source."""
        if told:
            self._arrival.write(GIVEN_BACK)
        self.turn_back()

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            self._at_hold.set()
            self._released.set()

    def _begin_sampling(self) -> Sampler:
        return self._warm

    def _begin_journal(self, facts: dict[str, Any]) -> Journal:
        self._arrival.write("restoring", run_id=facts["run_id"])
        return self._arrival

    def _feed(self, event: m.Event | None) -> None:
        super()._feed(event)
        if self._state.held is not None:
            self._at_hold.set()
        if self._state.phase in {m.Phase.PROVING, m.Phase.OVER}:
            self._released.set()

    def _perform(self, command: m.Command) -> m.Event | None:
        if isinstance(command, m.ReadSockets):
            self._held = {each.connection: _read(each) for each in self.image.sockets}
            return None
        return super()._perform(command)

    def _look(self, phase: str = "") -> None:
        """Only when the peers do not wait any more: a look at a busy host takes its time."""
        if self._state.phase in {m.Phase.PROVING, m.Phase.CHECKING, m.Phase.OVER}:
            super()._look(phase)

    def _performed(self, command: m.Command) -> m.Event | None:
        if isinstance(command, m.Prove):
            self._released.set()
        return super()._performed(command)

    def _write(self, transition: str) -> m.Event | None:
        """At the end the images of a process that lives here are of no use any more, and must not be restored again."""
        if transition in {f"{ENDED}{Outcome.SUCCEEDED}", f"{ENDED}{Outcome.DOUBTFUL}"}:
            shutil.rmtree(self._image_path, ignore_errors=True)
        return super()._write(transition)


def _read(image: ImageSocket) -> ReadSocket | Gap:
    """A restored socket, found by its descriptor, while its owners are stopped."""
    for pid, fd in image.holders:
        inode = procfs.link_inode(f"/proc/{pid}/fd/{fd}", "socket")
        if inode is None:
            continue
        try:
            return read_stopped(image.holders, inode)
        except WorkbenchError as error:
            return Gap("sockets", error.message, error.hint)
    return Gap("sockets", "it was not there while it was held")
