"""A hand-off carried out: lock, stop, export, take away, restore, pass on, release.

Until the recipient says that it has the socket, every failure puts the connection back into the descriptor that it
came from, whose owner stands still until the end is known. Each transition is in the journal before it happens; what
is left after ``kill -9`` is put right by the watchdog, or by ``workbench recover``.
"""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, NetworkNamespace
from workbench.evidence.state import State
from workbench.operation.connection_lock import ConnectionLock, new_name
from workbench.operation.handoff.clock import Clock
from workbench.operation.handoff.comparison import compare
from workbench.operation.handoff.earlier import settle_others
from workbench.operation.handoff.giving_back import bring_back, give_back
from workbench.operation.handoff.holders import Guard
from workbench.operation.handoff.plan import HandoffPlan
from workbench.operation.handoff.planning import IN_FILE, KIND
from workbench.operation.handoff.recipient import reach
from workbench.operation.handoff.result import Handed, HandoffOutcome
from workbench.operation.handoff.watchdog import Watchdog
from workbench.operation.journal import ENDED, Journal, boot_id, own_identity, state_directory
from workbench.operation.machine import LEFT
from workbench.operation.migration.addresses import announce_all, give, take_away
from workbench.operation.record import connection_record
from workbench.operation.standstill import stop
from workbench.operation.task import Tasks
from workbench.repair.borrow import borrow
from workbench.repair.constants import MARK
from workbench.repair.export import detach, export, hang_up, resume
from workbench.repair.nudge import nudge
from workbench.repair.pack import write_state
from workbench.repair.restore import restore
from workbench.repair.segment import RawSender

OFFER_S = 20.0
"""Seconds that a recipient has to accept, while nothing is touched yet."""
TAKES_S = 5.0
"""Seconds that it has to take the socket, while the old owner stands still."""
PEER_S = 2.0
"""Seconds in which a peer that lives answers the first packet after the release."""
_POLL_S = 0.002

Tell = Callable[[str], None]


def hand_off(plan: HandoffPlan, *, watchdog: Watchdog | None = None, at: Tell = lambda _: None) -> Handed:
    """Do it. Raises WorkbenchError if it was refused before anything was touched; later all is in the result.

    ``watchdog``: one that is kept for many; otherwise one is started. ``at`` is told each transition as it is made.
    """
    if plan.obstacles:
        raise WorkbenchError(plan.obstacles[0])
    with contextlib.ExitStack() as stack:
        if watchdog is None:
            watchdog = Watchdog()
            stack.callback(watchdog.close)
        return _HandOff(plan, stack, watchdog, at).run()


class _HandOff:
    """One hand-off while it runs."""

    def __init__(self, plan: HandoffPlan, stack: contextlib.ExitStack, watchdog: Watchdog, at: Tell) -> None:
        assert plan.connection is not None
        assert plan.target is not None
        assert plan.state is not None
        self._plan = plan
        self._stack = stack
        self._watchdog = watchdog
        self._at = at
        self._connection: Connection = plan.connection
        self._target: NetworkNamespace = plan.target
        self._clock = Clock()
        self._file = str(plan.request.state_file or plan.request.keep or state_directory() / f"{new_name()}.state")
        self._state: State | None = plan.saved
        self._old: socket.socket | None = None
        self._new: socket.socket | None = None
        self._locked = False
        self._moved = False
        self._sender = RawSender(MARK)
        stack.callback(self._sender.close)
        self._reuse = 0
        self._compared = 0

    def run(self) -> Handed:
        plan = self._plan
        self._recipient = reach(plan)
        if self._recipient:
            self._stack.callback(self._recipient.close)
            if self._recipient.pid in {each.pid for each in plan.holders}:
                raise WorkbenchError("The recipient has the connection open itself", "let it use what it has")
            assert plan.state is not None
            self._recipient.offer(self._connection, plan.state, OFFER_S)
        name = plan.lock or new_name()
        spaces = {each.inode: each for each in (plan.netns, self._target) if each is not None}
        self._locks = [ConnectionLock(name, [self._connection], each.path) for each in spaces.values()]
        for lock in self._locks:
            self._stack.callback(lock.close)
        self._tasks = self._stack.enter_context(Tasks((each.pid, None) for each in plan.holders))
        self._running = [task for task in self._tasks.alive if task.state not in "tT"]
        wire = self._connection.unmapped
        inside(self._target.path, lambda: self._sender.open_for([wire.peer.address]))
        self._journal = Journal(KIND, self._facts(name))
        self._stack.callback(self._journal.close)
        self._watchdog.guard(self._journal.path)
        try:
            with _first_in_line(), contextlib.ExitStack() as borrowed:
                done = self._guarded(borrowed)
        finally:
            self._watchdog.done()
        return done

    def _guarded(self, borrowed: contextlib.ExitStack) -> Handed:
        try:
            if self._plan.saved is None:
                self._borrow(borrowed)
            self._lock()
            if self._plan.saved is None:
                self._stop()
                self._take()
            if self._recipient is None:
                return self._leave_in_file()
            self._give(borrowed)
        except Exception as error:  # whatever it is, nobody must stay stopped because of it
            return self._put_back(error)
        return self._finish()

    def _facts(self, lock: str) -> dict[str, object]:
        plan = self._plan
        first = self._tasks.all[0] if self._tasks.all else None
        times = {task.pid: task.start_time for task in self._tasks.all}
        return {
            "workbench": own_identity(),
            "boot_id": boot_id(),
            "images": str(Path(self._file).absolute()),
            "netns": plan.netns.inode if plan.netns else self._target.inode,
            "target": self._target.inode,
            "root": (first.pid, first.start_time) if first else (0, 0),
            "command": plan.holders[0].command if plan.holders else "connection",
            "connections": [connection_record(self._connection)],
            "holders": [(each.pid, times.get(each.pid, 0), each.fd) for each in plan.holders],
            "inode": plan.inode,
            "lock": lock,
            "locked_before": bool(plan.lock),
            "running": [task.pid for task in self._running],
            "keep": bool(plan.request.keep or plan.request.state_file),
            "addresses": [each.record() for each in (plan.leaves, plan.arrives) if each is not None],
            "recipient": self._recipient.pid if self._recipient else 0,
        }

    def _write(self, transition: str, **facts: object) -> None:
        self._journal.write(transition, **facts)
        self._at(transition)

    def _write_in_a_hurry(self, transition: str) -> None:
        self._journal.write_in_a_hurry(transition)
        self._at(transition)

    # The way there

    def _borrow(self, borrowed: contextlib.ExitStack) -> None:
        holder = self._plan.holders[0]
        self._old = borrowed.enter_context(borrow(holder.pid, holder.fd, self._plan.inode))
        self._reuse = self._old.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        self._guard = Guard(self._plan.inode)
        self._clock.lap("look")

    def _lock(self) -> None:
        self._write("locking", reuse=self._reuse)
        self._clock.locked = time.perf_counter()
        for lock in self._locks:
            if not self._plan.lock:
                lock.lock()
        self._locked = True
        self._clock.lap("lock")

    def _stop(self) -> None:
        """Everybody who holds it."""
        self._clock.frozen = time.perf_counter()
        stop(self._running)
        known = {task.pid for task in self._tasks.all}
        strangers = (self._guard.holders | set(self._guard.newcomers())) - known
        if strangers:
            raise WorkbenchError(
                f"Process {min(strangers)} got hold of the connection meanwhile", "make a new plan, and try again"
            )
        self._clock.lap("stop")
        self._at("stopped")

    def _take(self) -> None:
        assert self._old is not None
        self._state = export(self._old)
        self._at("exported")
        write_state(self._state, self._file)
        self._clock.lap("export")
        # From here on nothing waits for a disk: whoever reads it after a crash of the host finds neither end.
        self._write_in_a_hurry("taking away")
        detach(self._old)
        self._clock.lap("take away")
        self._at("taken away")

    def _move_address(self) -> None:
        plan = self._plan
        if plan.leaves is not None and plan.arrives is not None and plan.netns is not None:
            self._write_in_a_hurry("moving the address")
            self._moved = True
            take_away((plan.leaves,), plan.netns)
            give((plan.arrives,), self._target)
            self._clock.lap("move address")

    def _give(self, borrowed: contextlib.ExitStack) -> None:
        assert self._state is not None
        assert self._recipient is not None
        state = self._state
        self._move_address()
        self._new = borrowed.enter_context(inside(self._target.path, lambda: restore(state)))
        self._at("restored")
        self._compared = compare(state, self._new)
        self._clock.lap("restore")
        self._recipient.send(self._new, TAKES_S)
        self._clock.lap("pass on")
        self._at("passed on")
        self._recipient.refuse_if_gone()
        self._write_in_a_hurry("given")

    # The end

    def _finish(self) -> Handed:
        """The recipient has it: from here on there is no way back, and what fails is left to ``recover``."""
        assert self._recipient is not None
        assert self._new is not None
        assert self._state is not None
        if self._moved and self._plan.arrives is not None:
            with contextlib.suppress(WorkbenchError):  # neighbours find it out later by themselves
                announce_all((self._plan.arrives,), self._target)
        self._release(self._new, self._state)
        self._recipient.go()
        if self._old is not None:
            hang_up(self._old, self._state)
        self._let_go()
        self._clock.lap("release")
        answered = self._peer_answers(self._new)
        if self._plan.lock:
            settle_others(self._plan.lock, self._journal.path)
        if not (self._plan.request.keep or self._plan.request.state_file):
            Path(self._file).unlink(missing_ok=True)
        self._journal.write(f"{ENDED}{HandoffOutcome.HANDED_OVER}")
        heard = "its peer has answered since" if answered else "its peer has not answered yet"
        return self._handed(
            HandoffOutcome.HANDED_OVER,
            f"Process {self._recipient.pid} has {self._connection}, and {heard}.",
            answered=answered,
        )

    def _leave_in_file(self) -> Handed:
        assert self._old is not None
        assert self._state is not None
        self._write(IN_FILE)
        hang_up(self._old, self._state)
        self._let_go()
        self._clock.lap("release")
        self._journal.write(LEFT)
        return self._handed(
            HandoffOutcome.IN_FILE,
            f"{self._connection} is in {self._file} and locked: hand it on with workbench handoff --from"
            f" {self._file} --to PATH (or --command CMD).",
        )

    def _release(self, sock: socket.socket, state: State) -> None:
        for lock in self._locks:
            lock.lift()
        self._locked = False
        resume(sock, state)
        with contextlib.suppress(OSError):  # the socket finds it out by itself, a second later
            nudge(sock, state, self._sender)
        self._clock.released = time.perf_counter()

    def _let_go(self) -> None:
        for task in self._running:
            task.signal(signal.SIGCONT)
        if self._running:
            self._clock.thawed = time.perf_counter()

    @staticmethod
    def _peer_answers(sock: socket.socket) -> bool:
        """A segment came in since the release: at the least the answer to the probe."""
        deadline = time.monotonic() + PEER_S
        while time.monotonic() < deadline:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            if int.from_bytes(info[140:144], sys.byteorder):
                return True
            time.sleep(_POLL_S)
        return False

    def _put_back(self, error: Exception) -> Handed:
        """As it was before; if even that fails, the state is in the file and the lock stands."""
        said = str(error) if isinstance(error, WorkbenchError | OSError) else f"{type(error).__name__}: {error}"
        try:
            if self._new is not None:
                detach(self._new)
                if self._state is not None:
                    hang_up(self._new, self._state)  # whoever has got it by now finds it closed
            if self._old is not None and self._state is not None:
                assert self._plan.netns is not None
                if self._moved and self._plan.leaves is not None and self._plan.arrives is not None:
                    bring_back(self._plan.leaves, self._plan.netns, self._plan.arrives, self._target)
                give_back(self._old, self._state, self._plan.netns.path)
            if self._plan.saved is not None:
                return self._left_as_it_was(said)
            if self._locked:
                for lock in self._locks:
                    lock.lift()
            if self._old is not None and self._state is not None:
                resume(self._old, self._state)
        except (WorkbenchError, OSError) as failure:
            self._let_go()
            self._journal.write(LEFT)
            return self._handed(HandoffOutcome.FAILED, f"{failure}: see workbench recover.")
        self._let_go()
        Path(self._file).unlink(missing_ok=True)
        self._journal.write(f"{ENDED}{HandoffOutcome.WITH_OLD_OWNER}")
        if not self._tasks.alive:
            return self._handed(HandoffOutcome.FAILED, f"{said}. Its old owner has ended, and its connection with it.")
        return self._handed(HandoffOutcome.WITH_OLD_OWNER, f"{said}. The connection is with its old owner, as before.")

    def _left_as_it_was(self, said: str) -> Handed:
        """It came from a file, and is there still."""
        if self._locked and not self._plan.lock:
            for lock in self._locks:
                lock.lift()
        self._journal.write(f"{ENDED}{HandoffOutcome.IN_FILE}")
        sentence = f"{said}. The connection is in its file, as before."
        return replace(self._handed(HandoffOutcome.FAILED, sentence), file=self._file)

    def _handed(self, outcome: HandoffOutcome, sentence: str, *, answered: bool = False) -> Handed:
        clock = self._clock
        kept = outcome is not HandoffOutcome.WITH_OLD_OWNER and Path(self._file).exists()
        return Handed(
            outcome=outcome,
            sentence=sentence,
            connection=self._connection,
            laps=tuple(clock.laps),
            frozen_ms=clock.between(clock.frozen, clock.thawed),
            locked_ms=clock.between(clock.locked, clock.released),
            bytes_compared=self._compared,
            answered=answered,
            recipient=self._recipient.pid if self._recipient else 0,
            file=self._file if kept else "",
            journal=self._journal.id,
        )


@contextlib.contextmanager
def _first_in_line() -> Iterator[None]:
    """This thread before all ordinary ones: somebody stands still meanwhile, and the host may be busy."""
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:  # not allowed (CAP_SYS_NICE): then like everybody else
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)
