"""A roll-back, run: the present ends, its peers are reset, the past is restored."""

import signal
import time
from collections.abc import Iterable
from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, Socket, TcpState
from workbench.operation import machine as m
from workbench.operation.journal import own_identity
from workbench.operation.migration.lock import lock
from workbench.operation.migration.look import look
from workbench.operation.progress import Proof, Verdict
from workbench.operation.record import connection_record
from workbench.operation.restore import RestoreOperation
from workbench.operation.rollback.destroy import destroy
from workbench.operation.rollback.generations import Generations
from workbench.operation.rollback.plan_rollback import RollbackPlan, is_left_of
from workbench.operation.standstill import stop
from workbench.operation.task import REAPED_S, Tasks, await_reaped, is_alive, start_time_of

ENDING = "ending the present"
RESET_S = 2.0
"""Seconds in which a peer that is there answers the restored socket with a reset."""
_LOOK_S = 0.05


class RollbackOperation(RestoreOperation):
    """Do what ``prepare_rollback`` planned; see ``operation.runner.Operation``."""

    def __init__(self, prepared: RollbackPlan) -> None:
        super().__init__(prepared.plan)
        self._tree, self._reset = prepared.tree, prepared.reset
        self.peers_reset = 0
        """Peers of the present process that were reset on purpose."""

    def _prepare(self, images: int) -> None:
        self._sampler.run_id = self.image.run_id or ""
        if self._tree and not is_alive(*self._tree[0]):
            raise WorkbenchError(f"Process {self._tree[0][0]} ended meanwhile", "make a new plan")

    def _facts(self) -> dict[str, Any]:
        every = [*self.plan.connections, *self._reset]
        return {
            **super()._facts(),
            "rollback": {
                "tree": self._tree,
                "locked": [connection_record(each) for each in every],
                "by": own_identity(),
            },
        }

    def _start_criu(self) -> m.Event | None:
        assert self._journal is not None
        try:
            self._journal.write(ENDING)
            self._end_the_present()
            lock((*self.plan.connections, *self._reset), self.image.run_id or "", self._here)
        except WorkbenchError as error:
            return m.CriuDied(f"{error}.")
        return super()._start_criu()

    def _end_the_present(self) -> None:
        """Stopped first: it must not see what happens to its connections and act on it."""
        with Tasks(self._tree) as tasks:
            stop(tasks.alive)
            self.peers_reset = destroy(self._sockets_of({pid for pid, _ in self._tree}), self._here)
            tasks.signal(signal.SIGKILL)
            for task in tasks.all:
                if not task.gone(REAPED_S):
                    raise WorkbenchError(f"Process {task.pid} does not end")
        if left := await_reaped([task.pid for task in self.image.tasks], REAPED_S):
            raise WorkbenchError(f"Pid {left[0]} is still a zombie", "its parent must reap it first")

    def _sockets_of(self, pids: set[int]) -> tuple[Socket, ...]:
        """Connected ones, whatever they lead to, and what is left of those that come back."""
        saved = {each.unmapped for each in (*self.plan.connections, *self._reset)}
        found = look({"sockets"}, self.plan.netns).sockets
        if isinstance(found, Gap):
            raise WorkbenchError(found.reason, found.remedy)
        return tuple(
            each
            for each in found
            if each.netns == self.plan.netns
            and each.peer.port
            and (any(holder.pid in pids for holder in each.holders) or is_left_of(each, saved))
        )

    def _prove(self) -> m.Event:
        if self.restored_start_time:
            Generations(self.plan.root_pid, self._tree[0][1] if self._tree else 0).belongs_to(self.restored_start_time)
        event = super()._prove()
        inside = self._board.proofs
        answered = self._await_resets()
        ended = self._end_here(each.unmapped for each, is_answered in answered.items() if not is_answered)
        resets = tuple(_proof_of_reset(each, answered[each], each.unmapped in ended) for each in answered)
        self._board.proofs = (*inside, *resets)
        assert isinstance(event, m.Proved)
        return m.Proved(event.all_continue and all(each.verdict is Verdict.RESET for each in resets))

    @property
    def restored_start_time(self) -> int | None:
        return start_time_of(self.plan.root_pid)

    def _await_resets(self) -> dict[Connection, bool]:
        """Whether each socket that had to be reset is closed by now."""
        deadline = time.monotonic() + RESET_S
        wanted = {each.unmapped: each for each in self._reset}
        while True:
            found = look({"sockets"}, self.plan.netns).sockets if wanted else ()
            open_ = set() if isinstance(found, Gap) else {
                each.connection.unmapped for each in found if each.inode and each.state is not TcpState.CLOSE
            }  # fmt: skip
            left = wanted.keys() & open_
            if not left or time.monotonic() > deadline:
                return {each: wire not in left for wire, each in wanted.items()}
            time.sleep(_LOOK_S)  # sock_diag tells of the end of a socket only to who asked before

    def _end_here(self, unanswered: Iterable[Connection]) -> set[Connection]:
        """A peer that has got a FIN of the process that is gone does not take what comes back for another's."""
        left = set(unanswered)
        found = look({"sockets"}, self.plan.netns).sockets if left else ()
        ends = [] if isinstance(found, Gap) else [each for each in found if each.connection.unmapped in left]
        destroy(ends, self._here)
        return {each.connection.unmapped for each in ends}


def _proof_of_reset(connection: Connection, answered: bool, ended: bool) -> Proof:
    if ended:
        sentence = "Reset on purpose, from here as well: its peer had moved on, and did not answer what came back."
        return Proof(connection, Verdict.RESET, sentence, {"as_planned": False})
    if answered:
        sentence = "Reset on purpose: its peer had moved on; it was reset, and answered what came back with a reset."
        return Proof(connection, Verdict.RESET, sentence, {"as_planned": True})
    sentence = "Its peer was reset, but nothing answers the restored end: it will see an error only when it writes."
    return Proof(connection, Verdict.SILENT, sentence, {"as_planned": False})
